//! What is known of classes whose instances are arguments: looked up once, as each hit needs it.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyType, PyWeakrefReference};

use crate::key::KeyText;
use crate::py::value::callbacks::{module_name, namesake_mark};
use crate::py::value::once::intern;
use crate::py::value::wtf8::with_wtf8;

/// More classes than this are made on the way, and not worth remembering.
const MOST: usize = 4096;

/// One class. It is not kept alive: another may get its address.
#[derive(Debug)]
pub struct KnownClass {
    class: Py<PyWeakrefReference>,
    /// How keys name it.
    pub name: String,
    /// Its fields in the order of their texts, each as a member's beginning; None if its instances
    /// are not told apart by fields.
    pub fields: Option<Vec<(Py<PyString>, Vec<u8>)>>,
}

/// The classes by kind of text, and address.
type Known = HashMap<(bool, usize), Arc<KnownClass>>;

static KNOWN: RwLock<Option<Known>> = RwLock::new(None);

/// What is known of `class`; `by_fields`, of how its instances are told apart by fields.
pub fn known(class: &Bound<'_, PyType>, by_fields: bool) -> Option<Arc<KnownClass>> {
    let found = KNOWN.read().as_ref()?.get(&(by_fields, class.as_ptr() as usize)).cloned()?;
    let alive = found.class.bind(class.py()).upgrade()?;
    alive.is(class).then_some(found)
}

/// Remembers how keys name `class`, and its fields if its instances are told apart by them.
pub fn remember(
    class: &Bound<'_, PyType>,
    name: String,
    fields: Option<&Bound<'_, PyDict>>,
) -> PyResult<Arc<KnownClass>> {
    let fields = fields.map(beginnings).transpose()?;
    let by_fields = fields.is_some();
    let reference = PyWeakrefReference::new(class.as_any())?.unbind();
    let made = Arc::new(KnownClass { class: reference, name, fields });
    let mut known = KNOWN.write();
    let known = known.get_or_insert_default();
    // What is replaced holds a reference and names, of which none runs code when it goes.
    if known.len() < MOST {
        known.insert((by_fields, class.as_ptr() as usize), Arc::clone(&made));
    }
    Ok(made)
}

fn beginnings(fields: &Bound<'_, PyDict>) -> PyResult<Vec<(Py<PyString>, Vec<u8>)>> {
    let mut found = Vec::with_capacity(fields.len());
    for name in fields.keys() {
        let name = name.cast_into::<PyString>()?;
        let mut text = KeyText::new();
        with_wtf8(&name, |wtf8| text.quoted(wtf8))?;
        text.raw(": ");
        found.push((name.unbind(), text.into_bytes()));
    }
    found.sort_unstable_by(|(_, one), (_, two)| one.cmp(two));
    Ok(found)
}

/// Whether `class` is a frozen dataclass itself: its instances are told apart by their fields for
/// ever. A subclass that is none may hold more.
pub fn is_frozen_dataclass(class: &Bound<'_, PyType>) -> PyResult<bool> {
    let py = class.py();
    let own = class.getattr(intern!(py, "__dict__"))?;
    let parameters =
        own.call_method1(intern!(py, "get"), (intern!(py, "__dataclass_params__"),))?;
    Ok(!parameters.is_none() && parameters.getattr(intern!(py, "frozen"))?.is_truthy()?)
}

/// How keys name the class of an instance: with a digest where the name does not lead to it, as that
/// of a class made in a function.
pub fn class_of_instances(class: &Bound<'_, PyType>) -> PyResult<Arc<KnownClass>> {
    if let Some(known) = known(class, false) {
        return Ok(known);
    }
    let (name, mark) = (qualified(class)?, namesake_mark(class)?);
    remember(class, if mark.is_empty() { name } else { format!("{name}~{mark}") }, None)
}

/// `module.Class`, always with the module, so that no class is taken for a word of this grammar.
pub fn qualified(class: &Bound<'_, PyType>) -> PyResult<String> {
    Ok(format!("{}.{}", module_of(class)?, class.qualname()?))
}

/// The module under which `class` is imported, also in the program that defines it and in what
/// multiprocessing spawns: there Python says `__main__` and `__mp_main__`.
fn module_of<'py>(class: &Bound<'py, PyType>) -> PyResult<Bound<'py, PyAny>> {
    // Found once for each main module: runpy puts in another.
    static FOUND: Mutex<Option<[Py<PyAny>; 2]>> = Mutex::new(None);

    let module = class.module()?;
    if !matches!(module.to_str(), Ok("__main__" | "__mp_main__")) {
        return Ok(module.into_any());
    }
    let py = class.py();
    let modules = py.import(intern!(py, "sys"))?.getattr(intern!(py, "modules"))?;
    let main = modules.cast_into::<PyDict>()?.get_item(&module)?;
    let Some(main) = main else { return module_name(class) };
    let known = FOUND.lock().as_ref().map(|found| found.each_ref().map(|part| part.clone_ref(py)));
    if let Some([known, name]) = known
        && known.is(&main)
    {
        return Ok(name.into_bound(py));
    }
    let name = module_name(class)?;
    let old = FOUND.lock().replace([main.unbind(), name.clone().unbind()]);
    drop(old);
    Ok(name)
}

/// How keys name the class of an instance.
#[pyfunction]
pub fn class_name(class: &Bound<'_, PyType>) -> PyResult<String> {
    Ok(class_of_instances(class)?.name.clone())
}
