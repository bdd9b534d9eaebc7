//! How instances of a class are made and copied, as `outlive._classes` found out once.

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple, PyType};
use pyo3::{PyTraverseError, PyVisit};

use super::callbacks;
use crate::py::ffi::{allocate, blank, call_with, is_native_descriptor, set_through, tuple_of};
use crate::py::value::once::intern;

/// How instances are copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Not at all: they cannot change.
    Shared,
    /// By their `__dict__` and their slots.
    Object,
    /// As `Object`, made by the class's own allocator: msgspec's structs.
    Struct,
    /// By their items: named tuples.
    Tuple,
    /// By a callable that takes one; then their members are replaced: subclasses of dict, and
    /// deques.
    Container,
    /// By a callable alone: arrays and frames.
    Whole,
}

impl Kind {
    fn from_word(word: &str) -> PyResult<Self> {
        Ok(match word {
            "shared" => Self::Shared,
            "object" => Self::Object,
            "struct" => Self::Struct,
            "tuple" => Self::Tuple,
            "container" => Self::Container,
            "whole" => Self::Whole,
            _ => return Err(PyValueError::new_err(word.to_owned())),
        })
    }
}

/// What is known of one class.
#[pyclass(frozen, name = "Shape", module = "outlive._core")]
#[derive(Debug)]
pub struct Shape {
    class: Py<PyType>,
    pub(super) kind: Kind,
    /// Whether instances of immutable parts cannot change.
    #[pyo3(get)]
    pub(super) frozen: bool,
    /// The descriptor of `__dict__`, if instances have one.
    dict: Option<Py<PyAny>>,
    /// The descriptors of the slots.
    slots: Vec<Py<PyAny>>,
    /// The callable that copies a container or a whole.
    copier: Option<Py<PyAny>>,
}

#[pymethods]
impl Shape {
    #[new]
    #[pyo3(signature = (class, kind, /, *, frozen=false, dict=None, slots=Vec::new(), copier=None))]
    fn new(
        class: Bound<'_, PyType>,
        kind: &str,
        frozen: bool,
        dict: Option<Bound<'_, PyAny>>,
        slots: Vec<Bound<'_, PyAny>>,
        copier: Option<Py<PyAny>>,
    ) -> PyResult<Self> {
        let kind = Kind::from_word(kind)?;
        if let Some(other) = dict.iter().chain(&slots).find(|each| !is_native_descriptor(each)) {
            return Err(PyTypeError::new_err(format!("{other:?} is no native descriptor")));
        }
        check(&class, kind)?;
        Ok(Self {
            class: class.unbind(),
            kind,
            frozen,
            dict: dict.map(Bound::unbind),
            slots: slots.into_iter().map(Bound::unbind).collect(),
            copier,
        })
    }

    /// Makes a new instance with this `__dict__` and with these values of its slots, None for an
    /// unset one. No code of the class runs.
    #[pyo3(signature = (dict, slots))]
    fn make<'py>(
        &self,
        py: Python<'py>,
        dict: Option<Bound<'py, PyDict>>,
        slots: Vec<Option<(Bound<'py, PyAny>,)>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        if slots.len() != self.slots.len() {
            return Err(PyValueError::new_err("each slot has a value or None"));
        }
        let made = self.blank(py).and_then(|object| {
            if let Some(dict) = dict {
                self.set_dict(&object, dict.as_any())?;
            }
            for (n, value) in slots.into_iter().enumerate() {
                if let Some((value,)) = value {
                    self.set_slot(&object, n, &value)?;
                }
            }
            Some(object)
        });
        made.ok_or_else(|| PyErr::fetch(py))
    }

    /// The values of the slots of an instance, each in a tuple of one; None for an unset one.
    fn slots<'py>(
        &self,
        object: &Bound<'py, PyAny>,
    ) -> PyResult<Vec<Option<(Bound<'py, PyAny>,)>>> {
        let all = (0..self.slots.len()).map(|n| Ok(self.slot(object, n)?.map(|value| (value,))));
        all.collect()
    }

    /// The `__dict__` of an instance; None if it has none.
    #[pyo3(name = "dict")]
    fn dict_of<'py>(&self, object: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.dict(object)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.class)?;
        self.dict
            .iter()
            .chain(&self.slots)
            .chain(&self.copier)
            .try_for_each(|each| visit.call(each))
    }
}

/// Raises `TypeError` if the interpreter cannot make instances of `class` in this way.
fn check(class: &Bound<'_, PyType>, kind: Kind) -> PyResult<()> {
    let py = class.py();
    match kind {
        Kind::Object => {
            let object = py.get_type::<PyAny>();
            object.call_method1(intern!(py, "__new__"), (class,)).map(drop)
        }
        Kind::Tuple => {
            let tuple = py.get_type::<PyTuple>();
            tuple.call_method1(intern!(py, "__new__"), (class, PyTuple::empty(py))).map(drop)
        }
        Kind::Struct => {
            let maker = class.get_type().getattr(intern!(py, "__module__"))?;
            if maker.eq("msgspec._core")? { Ok(()) } else { Err(PyTypeError::new_err("no struct")) }
        }
        Kind::Shared | Kind::Container | Kind::Whole => Ok(()),
    }
}

impl Shape {
    /// Returns the shape of an object's class; None if `outlive._classes` does not know it.
    pub fn of<'py>(object: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, Self>>> {
        callbacks::shape(&object.get_type())?.extract().map_err(PyErr::from)
    }

    /// Returns a new instance without state; None with an error set.
    #[inline]
    pub(super) fn blank<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        let class = self.class.bind(py);
        match self.kind {
            Kind::Struct => allocate(class),
            _ => blank(class),
        }
    }

    /// Returns a new named tuple; None with an error set.
    pub(super) fn tuple<'py>(&self, items: &Bound<'py, PyTuple>) -> Option<Bound<'py, PyAny>> {
        tuple_of(self.class.bind(items.py()), items)
    }

    /// Makes `dict` the `__dict__` of an instance; None with an error set.
    #[inline]
    pub(super) fn set_dict(
        &self,
        object: &Bound<'_, PyAny>,
        dict: &Bound<'_, PyAny>,
    ) -> Option<()> {
        let descriptor = self.dict.as_ref()?;
        set_through(descriptor.bind(object.py()), object, dict)
    }

    /// Sets the slot `n`; None with an error set.
    #[inline]
    pub(super) fn set_slot(
        &self,
        object: &Bound<'_, PyAny>,
        n: usize,
        value: &Bound<'_, PyAny>,
    ) -> Option<()> {
        set_through(self.slots[n].bind(object.py()), object, value)
    }

    /// Returns the value of the slot `n`; None if it is unset.
    pub(super) fn slot<'py>(
        &self,
        object: &Bound<'py, PyAny>,
        n: usize,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let py = object.py();
        match self.slots[n].bind(py).call_method1(intern!(py, "__get__"), (object,)) {
            Ok(value) => Ok(Some(value)),
            Err(error) if error.is_instance_of::<pyo3::exceptions::PyAttributeError>(py) => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Returns how many slots there are.
    pub(super) fn slot_count(&self) -> usize {
        self.slots.len()
    }

    /// Returns the `__dict__` of an instance; None if it has none.
    pub(super) fn dict<'py>(
        &self,
        object: &Bound<'py, PyAny>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let py = object.py();
        let Some(descriptor) = &self.dict else { return Ok(None) };
        let name: &Bound<'_, PyString> = intern!(py, "__get__");
        descriptor.bind(py).call_method1(name, (object,)).map(Some)
    }

    /// Returns a copy made by the copier; None with an error set.
    pub(super) fn copied<'py>(&self, object: &Bound<'py, PyAny>) -> Option<Bound<'py, PyAny>> {
        let py = object.py();
        let copy = call_with(self.copier.as_ref()?.bind(py), (object,));
        copy.map_err(|error| error.restore(py)).ok()
    }
}
