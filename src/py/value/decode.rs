//! From a JSON text to the Python value that it was made of.

use std::vec::Drain;

use data_encoding::BASE64;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{
    PyBool, PyBytes, PyComplex, PyDict, PyFloat, PyFrozenSet, PyInt, PyList, PySet, PyString,
};

use super::callbacks::{long_int, unpack};
use super::classes::Classes;
use super::failure::Failure;
use super::instance_plan::Part;
use super::key_interner::KeyInterner;
use super::plan::{CopyNode, CopyPlan, Remade};
use super::wtf8::from_wtf8;
use crate::py::ffi::{is_hashable, set_hashed};
use crate::value::parse::{Build, parse};
use crate::value::tag::{Tag, class_name, unescape};
use crate::value::text::Text;

/// Returns the value of `text`.
pub fn decode<'py>(
    py: Python<'py>,
    text: &[u8],
    names: &mut KeyInterner,
    classes: Classes<'_>,
) -> Result<Bound<'py, PyAny>, Failure> {
    Ok(parse(text, &mut Builder { py, names, classes, plans: false, typed: false })?.object)
}

/// Returns the value of `text` with the plan of how to copy it, which is made along the way, and
/// whether it holds instances of classes.
pub fn template(
    py: Python<'_>,
    text: &[u8],
    names: &mut KeyInterner,
    classes: Classes<'_>,
) -> Result<(CopyNode, bool), Failure> {
    let mut builder = Builder { py, names, classes, plans: true, typed: false };
    let node = parse(text, &mut builder)?;
    Ok((node.planned(), builder.typed))
}

struct Builder<'py, 'n> {
    py: Python<'py>,
    names: &'n mut KeyInterner,
    classes: Classes<'n>,
    /// Whether a plan is made of how to copy each value.
    plans: bool,
    /// Whether there was an instance of a class.
    typed: bool,
}

/// A finished value and how to copy it; there is no plan where nobody asked for plans.
struct Node<'py> {
    object: Bound<'py, PyAny>,
    /// None if the value cannot change. Boxed, because nearly all nodes have none: so a node is two
    /// words, and dropping it is one comparison.
    plan: Option<Box<CopyPlan>>,
}

impl<'py> Node<'py> {
    /// Makes the node of a value that cannot change.
    #[inline]
    fn share<T>(object: Bound<'py, T>) -> Self {
        Self { object: object.into_any(), plan: None }
    }

    fn planned(self) -> CopyNode {
        CopyNode::planned(self.object, self.plan.map_or(CopyPlan::Share, |plan| *plan))
    }
}

type Built<'py> = Result<Node<'py>, Failure>;

impl<'py> Build for Builder<'py, '_> {
    type Node = Node<'py>;
    type Error = Failure;

    fn null(&mut self) -> Built<'py> {
        Ok(Node::share(self.py.None().into_bound(self.py)))
    }

    fn bool(&mut self, value: bool) -> Built<'py> {
        Ok(Node::share(PyBool::new(self.py, value).to_owned()))
    }

    fn int64(&mut self, value: i64) -> Built<'py> {
        Ok(Node::share(PyInt::new(self.py, value)))
    }

    fn int(&mut self, digits: &str) -> Built<'py> {
        Ok(Node::share(long_int(self.py, digits)?))
    }

    fn float(&mut self, value: f64) -> Built<'py> {
        Ok(Node::share(PyFloat::new(self.py, value)))
    }

    #[inline]
    fn str(&mut self, text: Text<'_>) -> Built<'py> {
        Ok(Node::share(from_wtf8(self.py, text.bytes)?))
    }

    #[inline]
    fn key(&mut self, text: Text<'_>) -> Built<'py> {
        Ok(Node::share(self.names.get(self.py, text.bytes)?))
    }

    fn list(&mut self, items: Drain<'_, Node<'py>>, depth: usize) -> Built<'py> {
        let mut parts = Vec::new();
        let objects = items.enumerate().map(|(at, Node { object, plan })| {
            if let Some(plan) = plan {
                parts.push((at, CopyNode::planned(object.clone(), *plan)));
            }
            object
        });
        let object = PyList::new(self.py, objects)?.into_any();
        Ok(self.node(object, CopyPlan::List(parts), depth))
    }

    fn dict(
        &mut self,
        mut members: Drain<'_, Node<'py>>,
        depth: usize,
        marked: bool,
    ) -> Built<'py> {
        if marked && let (Some(key), Some(value)) = (members.next(), members.next()) {
            return self.marked(&key.object, &value.object, depth);
        }
        let (dict, count) = (PyDict::new(self.py), members.len() / 2);
        let mut parts = Vec::new();
        while let (Some(key), Some(value)) = (members.next(), members.next()) {
            dict.set_item(&key.object, &value.object)?;
            if value.plan.is_some() {
                parts.push((key.object.unbind(), value.planned()));
            }
        }
        if dict.len() < count {
            // A key came twice: only its last value is there.
            return self.walked(dict.into_any(), depth);
        }
        Ok(self.node(dict.into_any(), CopyPlan::Dict(parts), depth))
    }
}

impl<'py> Builder<'py, '_> {
    #[inline]
    fn node(&self, object: Bound<'py, PyAny>, plan: CopyPlan, depth: usize) -> Node<'py> {
        let plans = self.plans && !plan.is_share();
        Node { object, plan: plans.then(|| Box::new(plan.at(depth))) }
    }

    /// Makes the node of a value that was not assembled here.
    fn walked(&self, object: Bound<'py, PyAny>, depth: usize) -> Built<'py> {
        let plan = if self.plans { CopyPlan::of(&object, depth)? } else { CopyPlan::Share };
        let plan = (!plan.is_share()).then(|| Box::new(plan));
        Ok(Node { object, plan })
    }

    /// Makes a tagged value, or a real dict with one member that looks like one.
    fn marked(
        &mut self,
        key: &Bound<'py, PyAny>,
        value: &Bound<'py, PyAny>,
        depth: usize,
    ) -> Built<'py> {
        let name = key.cast::<PyString>().ok().and_then(|key| key.to_str().ok()).unwrap_or("");
        if class_name(name.as_bytes()).is_some() {
            self.typed = true;
            if self.plans
                && let Some(load) = self.classes.loader(self.py, &name[1..])?
            {
                return self.remade(load, value, depth);
            }
            return self.walked(self.classes.load(&name[1..], value)?, depth);
        }
        if let Some(real) = unescape(name.as_bytes()) {
            return self.single(&from_wtf8(self.py, real)?.into_any(), value, depth);
        }
        let tagged = Tag::from_key(name.as_bytes());
        if let Some(rebuilt) = tagged.and_then(|tag| self.untag(tag, value).transpose()) {
            return match rebuilt {
                // A foreign file may hold such a member by chance: then it is no tag.
                Err(Failure::Python(error)) if error.is_instance_of::<PyValueError>(self.py) => {
                    self.single(key, value, depth)
                }
                rebuilt if tagged.is_some_and(Tag::is_container) => self.walked(rebuilt?, depth),
                rebuilt => Ok(Node::share(rebuilt?)),
            };
        }
        self.single(key, value, depth)
    }

    /// Makes a result of a payload with the function's own `load=`; the payload is kept to make
    /// others.
    fn remade(&self, load: Py<PyAny>, payload: &Bound<'py, PyAny>, depth: usize) -> Built<'py> {
        let payload = CopyNode::of(payload.clone(), depth + 1)?;
        let remade = Remade { payload, load };
        let object = remade.make(self.py).map_err(Failure::Class)?;
        Ok(self.node(object, CopyPlan::Remade(Box::new(remade)), depth))
    }

    fn single(
        &self,
        key: &Bound<'py, PyAny>,
        value: &Bound<'py, PyAny>,
        depth: usize,
    ) -> Built<'py> {
        let dict = PyDict::new(self.py);
        dict.set_item(key, value)?;
        self.walked(dict.into_any(), depth)
    }

    /// Returns the value of `tag`; `None` if the payload does not fit it.
    fn untag(
        &self,
        tag: Tag,
        payload: &Bound<'py, PyAny>,
    ) -> Result<Option<Bound<'py, PyAny>>, Failure> {
        let py = self.py;
        let list = payload.cast_exact::<PyList>().ok();
        let text = payload.cast_exact::<PyString>().ok().and_then(|text| text.to_str().ok());
        Ok(match (tag, list, text) {
            (Tag::Tuple, Some(items), _) => Some(items.to_tuple().into_any()),
            (Tag::Set, Some(items), _) => {
                members(items, |py, items| Ok(PySet::new(py, items)?.into_any()))?
            }
            (Tag::Frozenset, Some(items), _) => {
                members(items, |py, items| Ok(PyFrozenSet::new(py, items)?.into_any()))?
            }
            (Tag::Dict, Some(pairs), _) => from_pairs(pairs)?,
            (Tag::Str, Some(pieces), _) => join(pieces)?,
            (Tag::Complex, Some(parts), _) => complex(parts),
            (Tag::Bytes, _, Some(text)) => {
                let bytes = BASE64.decode(text.as_bytes()).ok();
                bytes.map(|bytes| PyBytes::new(py, &bytes).into_any())
            }
            (Tag::Float, _, Some(text)) => {
                non_finite(text).map(|value| PyFloat::new(py, value).into_any())
            }
            (
                Tag::Error
                | Tag::Tuple
                | Tag::Set
                | Tag::Frozenset
                | Tag::Dict
                | Tag::Str
                | Tag::Complex
                | Tag::Bytes
                | Tag::Float,
                ..,
            ) => None,
            _ => Some(unpack(&tag.name()[1..], payload)?),
        })
    }
}

/// Returns a set of `items`; `None` if one of them cannot be a member.
fn members<'py>(
    items: &Bound<'py, PyList>,
    make: impl Fn(Python<'py>, &Bound<'py, PyList>) -> PyResult<Bound<'py, PyAny>>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let hashable = items.iter().all(|item| is_hashable(&item));
    if hashable { make(items.py(), items).map(Some) } else { Ok(None) }
}

fn from_pairs<'py>(pairs: &Bound<'py, PyList>) -> PyResult<Option<Bound<'py, PyAny>>> {
    let dict = PyDict::new(pairs.py());
    for pair in pairs {
        let Ok(pair) = pair.cast_into_exact::<PyList>() else { return Ok(None) };
        if pair.len() != 2 || !is_hashable(&pair.get_item(0)?) {
            return Ok(None);
        }
        set_hashed(dict.as_any(), &pair.get_item(0)?, &pair.get_item(1)?)
            .ok_or_else(|| PyErr::fetch(dict.py()))?;
    }
    Ok(Some(dict.into_any()))
}

/// Joins several strings; `None` if one of them is not a str.
fn join<'py>(pieces: &Bound<'py, PyList>) -> PyResult<Option<Bound<'py, PyAny>>> {
    if !pieces.iter().all(|piece| piece.is_exact_instance_of::<PyString>()) {
        return Ok(None);
    }
    PyString::new(pieces.py(), "").call_method1("join", (pieces,)).map(Some)
}

fn complex<'py>(parts: &Bound<'py, PyList>) -> Option<Bound<'py, PyAny>> {
    let (real, imag): (f64, f64) = parts.to_tuple().extract().ok()?;
    Some(PyComplex::from_doubles(parts.py(), real, imag).into_any())
}

fn non_finite(text: &str) -> Option<f64> {
    match text {
        "nan" => Some(f64::NAN),
        "inf" => Some(f64::INFINITY),
        "-inf" => Some(f64::NEG_INFINITY),
        _ => None,
    }
}
