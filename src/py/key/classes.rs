//! What is known of classes whose instances are arguments: looked up once, as each hit needs it.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use foldhash::fast::RandomState;
use parking_lot::{Mutex, RwLock};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyType, PyWeakrefReference};

use crate::key::KeyText;
use crate::py::ffi::class_version;
use crate::py::value::callbacks::{module_name, namesake_mark};
use crate::py::value::once::intern;
use crate::py::value::wtf8::with_wtf8;

/// More classes than this are created dynamically, and not worth remembering.
const MOST: usize = 4096;

/// One class. It is not kept alive: another may get its address.
#[derive(Debug)]
pub struct KnownClass {
    class: Py<PyWeakrefReference>,
    /// Its name in keys.
    pub name: String,
    /// Its fields in the order of their texts, each as the beginning of a member; None if its
    /// instances are not identified by their fields.
    pub fields: Option<Vec<(Py<PyString>, Vec<u8>)>>,
    /// The state of the class in which it was seen to have no `__memo_key__`; 0 if in none.
    plain: AtomicU32,
}

impl KnownClass {
    /// Returns whether `class` has no `__memo_key__`, if that is known of its present state.
    pub fn is_plain(&self, class: &Bound<'_, PyType>) -> bool {
        class_version(class).is_some_and(|now| now.get() == self.plain.load(Ordering::Relaxed))
    }

    /// Notes that the class has no `__memo_key__` in the state `version`.
    pub fn note_plain(&self, version: Option<NonZeroU32>) {
        self.plain.store(version.map_or(0, NonZeroU32::get), Ordering::Relaxed);
    }
}

/// The classes by kind of text and by address.
type Known = HashMap<(bool, usize), Arc<KnownClass>, RandomState>;

static KNOWN: RwLock<Option<Known>> = RwLock::new(None);

/// Returns what is known of `class`; `by_fields`, of how its instances are identified by fields.
pub fn known(class: &Bound<'_, PyType>, by_fields: bool) -> Option<Arc<KnownClass>> {
    let found = KNOWN.read().as_ref()?.get(&(by_fields, class.as_ptr() as usize)).cloned()?;
    let alive = found.class.bind(class.py()).upgrade()?;
    alive.is(class).then_some(found)
}

/// Remembers the name of `class` in keys, and its fields if its instances are identified by them.
pub fn remember(
    class: &Bound<'_, PyType>,
    name: String,
    fields: Option<&Bound<'_, PyDict>>,
) -> PyResult<Arc<KnownClass>> {
    let fields = fields.map(beginnings).transpose()?;
    let by_fields = fields.is_some();
    let reference = PyWeakrefReference::new(class.as_any())?.unbind();
    let made = Arc::new(KnownClass { class: reference, name, fields, plain: AtomicU32::new(0) });
    let mut known = KNOWN.write();
    let known = known.get_or_insert_default();
    // An entry that is replaced holds references and names; dropping them runs no Python code.
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

/// Returns whether `class` is a frozen dataclass itself: its instances are identified by their
/// fields for ever. A subclass that is not may hold more.
pub fn is_frozen_dataclass(class: &Bound<'_, PyType>) -> PyResult<bool> {
    let py = class.py();
    let own = class.getattr(intern!(py, "__dict__"))?;
    let parameters =
        own.call_method1(intern!(py, "get"), (intern!(py, "__dataclass_params__"),))?;
    Ok(!parameters.is_none() && parameters.getattr(intern!(py, "frozen"))?.is_truthy()?)
}

/// Returns how keys name the class of an instance: with a digest where the name does not lead to
/// the class, as for a class made in a function.
pub fn class_of_instances(class: &Bound<'_, PyType>) -> PyResult<Arc<KnownClass>> {
    if let Some(known) = known(class, false) {
        return Ok(known);
    }
    let (name, mark) = (qualified(class)?, namesake_mark(class)?);
    remember(class, if mark.is_empty() { name } else { format!("{name}~{mark}") }, None)
}

/// Returns `module.Class`, always with the module, so that no class looks like a word of this
/// grammar.
pub fn qualified(class: &Bound<'_, PyType>) -> PyResult<String> {
    Ok(format!("{}.{}", module_of(class)?, class.qualname()?))
}

/// Returns the module under which `class` can be imported, also in the program that defines it and
/// in processes that multiprocessing spawns: Python says `__main__` and `__mp_main__` there.
fn module_of<'py>(class: &Bound<'py, PyType>) -> PyResult<Bound<'py, PyAny>> {
    // Found once for each main module: runpy replaces it.
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

/// Returns how keys name the class of an instance.
#[pyfunction]
pub fn class_name(class: &Bound<'_, PyType>) -> PyResult<String> {
    Ok(class_of_instances(class)?.name.clone())
}
