//! From a JSON text to the Python value that it was made of.

use std::marker::PhantomData;
use std::vec::Drain;

use data_encoding::BASE64;
use pyo3::exceptions::PyValueError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{
    PyBool, PyBytes, PyComplex, PyDict, PyFloat, PyFrozenSet, PyInt, PyList, PySet, PyString,
};

use super::key_interner::Names;
use super::template::{Live, Part, Plan};
use super::wtf8::from_wtf8;
use crate::error::Error;
use crate::value::parse::{Build, parse};
use crate::value::tag::{Tag, unescape};
use crate::value::text::Text;

/// Why a text gave no value.
#[derive(Debug)]
pub enum Failure {
    /// It is not what it should be.
    Text(Error),
    /// The interpreter refused (out of memory, an interrupt).
    Python(PyErr),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Text(error)
    }
}

impl From<PyErr> for Failure {
    fn from(error: PyErr) -> Self {
        Self::Python(error)
    }
}

/// The value of `text`.
pub fn decode<'py>(
    py: Python<'py>,
    text: &[u8],
    names: &mut Names,
) -> Result<Bound<'py, PyAny>, Failure> {
    Ok(parse(text, &mut Builder::<()>::new(py, names))?.object)
}

/// The value of `text` with the plan of how to copy it, which is made on the way.
pub fn template(py: Python<'_>, text: &[u8], names: &mut Names) -> Result<Live, Failure> {
    let node = parse(text, &mut Builder::<Plan>::new(py, names))?;
    Ok(Live::template(Part::planned(node.object, node.plan)))
}

/// What is noted of each value on the way: how to copy it, or nothing.
trait Planning: Sized {
    /// Of what cannot change.
    const SHARE: Self;
    /// What is noted of the members that must be copied, by where they stand.
    type Parts<At>: Default;
    /// Adds a member that must be copied, if it is one.
    fn keep<At>(
        self,
        parts: &mut Self::Parts<At>,
        object: &Bound<'_, PyAny>,
        at: impl FnOnce() -> At,
    );
    fn list(parts: Self::Parts<usize>) -> Self;
    fn dict(parts: Self::Parts<Py<PyAny>>) -> Self;
    /// Of a value that was not put together here.
    fn of(object: &Bound<'_, PyAny>) -> PyResult<Self>;
}

impl Planning for () {
    const SHARE: Self = ();
    type Parts<At> = ();
    fn keep<At>(self, (): &mut (), _: &Bound<'_, PyAny>, _: impl FnOnce() -> At) {}
    fn list((): ()) {}
    fn dict((): ()) {}
    fn of(_: &Bound<'_, PyAny>) -> PyResult<()> {
        Ok(())
    }
}

impl Planning for Plan {
    const SHARE: Self = Self::Share;
    type Parts<At> = Vec<(At, Part)>;

    #[inline]
    fn keep<At>(
        self,
        parts: &mut Vec<(At, Part)>,
        object: &Bound<'_, PyAny>,
        at: impl FnOnce() -> At,
    ) {
        if !self.is_share() {
            parts.push((at(), Part::planned(object.clone(), self)));
        }
    }

    fn list(parts: Vec<(usize, Part)>) -> Self {
        Self::List(parts)
    }

    fn dict(parts: Vec<(Py<PyAny>, Part)>) -> Self {
        Self::Dict(parts)
    }

    fn of(object: &Bound<'_, PyAny>) -> PyResult<Self> {
        Self::of(object)
    }
}

struct Builder<'py, 'n, P> {
    py: Python<'py>,
    names: &'n mut Names,
    planning: PhantomData<P>,
}

/// A finished value, and what was noted of it.
struct Node<'py, P> {
    object: Bound<'py, PyAny>,
    plan: P,
}

impl<'py, P: Planning> Node<'py, P> {
    /// What cannot change.
    #[inline]
    fn share<T>(object: Bound<'py, T>) -> Self {
        Self { object: object.into_any(), plan: P::SHARE }
    }
}

type Built<'py, P> = Result<Node<'py, P>, Failure>;

impl<'py, P: Planning> Build for Builder<'py, '_, P> {
    type Node = Node<'py, P>;
    type Error = Failure;

    fn null(&mut self) -> Built<'py, P> {
        Ok(Node::share(self.py.None().into_bound(self.py)))
    }

    fn bool(&mut self, value: bool) -> Built<'py, P> {
        Ok(Node::share(PyBool::new(self.py, value).to_owned()))
    }

    fn int64(&mut self, value: i64) -> Built<'py, P> {
        Ok(Node::share(PyInt::new(self.py, value)))
    }

    fn int(&mut self, digits: &str) -> Built<'py, P> {
        Ok(Node::share(tags(self.py)?.call_method1(intern!(self.py, "long_int"), (digits,))?))
    }

    fn float(&mut self, value: f64) -> Built<'py, P> {
        Ok(Node::share(PyFloat::new(self.py, value)))
    }

    #[inline]
    fn str(&mut self, text: Text<'_>) -> Built<'py, P> {
        Ok(Node::share(from_wtf8(self.py, text.bytes)?))
    }

    #[inline]
    fn key(&mut self, text: Text<'_>) -> Built<'py, P> {
        Ok(Node::share(self.names.get(self.py, text.bytes)?))
    }

    fn list(&mut self, items: Drain<'_, Node<'py, P>>) -> Built<'py, P> {
        let mut parts = P::Parts::default();
        let objects = items.enumerate().map(|(at, node)| {
            node.plan.keep(&mut parts, &node.object, || at);
            node.object
        });
        let object = PyList::new(self.py, objects)?.into_any();
        Ok(Node { object, plan: P::list(parts) })
    }

    fn dict(&mut self, mut members: Drain<'_, Node<'py, P>>, marked: bool) -> Built<'py, P> {
        if marked && let (Some(key), Some(value)) = (members.next(), members.next()) {
            return self.marked(&key.object, &value.object);
        }
        let (dict, count) = (PyDict::new(self.py), members.len() / 2);
        let mut parts = P::Parts::default();
        while let (Some(key), Some(value)) = (members.next(), members.next()) {
            dict.set_item(&key.object, &value.object)?;
            value.plan.keep(&mut parts, &value.object, || key.object.unbind());
        }
        if dict.len() < count {
            // A key came twice: only its last value is there.
            return walked(dict.into_any());
        }
        Ok(Node { object: dict.into_any(), plan: P::dict(parts) })
    }
}

impl<'py, 'n, P: Planning> Builder<'py, 'n, P> {
    fn new(py: Python<'py>, names: &'n mut Names) -> Self {
        Self { py, names, planning: PhantomData }
    }

    /// A tagged value, or a real dict with one member that looks like one.
    fn marked(&self, key: &Bound<'py, PyAny>, value: &Bound<'py, PyAny>) -> Built<'py, P> {
        let name = key.cast::<PyString>().ok().and_then(|key| key.to_str().ok()).unwrap_or("");
        if let Some(real) = unescape(name.as_bytes()) {
            return self.single(&from_wtf8(self.py, real)?.into_any(), value);
        }
        let tagged = Tag::from_key(name.as_bytes());
        if let Some(rebuilt) = tagged.and_then(|tag| self.untag(tag, value).transpose()) {
            return match rebuilt {
                // A foreign file may hold such a member by chance: then it is no tag.
                Err(Failure::Python(error)) if error.is_instance_of::<PyValueError>(self.py) => {
                    self.single(key, value)
                }
                rebuilt => walked(rebuilt?),
            };
        }
        self.single(key, value)
    }

    fn single(&self, key: &Bound<'py, PyAny>, value: &Bound<'py, PyAny>) -> Built<'py, P> {
        let dict = PyDict::new(self.py);
        dict.set_item(key, value)?;
        walked(dict.into_any())
    }

    /// The value behind `tag`; `None` if the payload cannot be one of this tag.
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
            _ => Some(tags(py)?.call_method1(intern!(py, "unpack"), (&tag.name()[1..], payload))?),
        })
    }
}

/// A value that was not put together on the way.
fn walked<P: Planning>(object: Bound<'_, PyAny>) -> Built<'_, P> {
    let plan = P::of(&object)?;
    Ok(Node { object, plan })
}

fn tags(py: Python<'_>) -> PyResult<Bound<'_, PyModule>> {
    py.import(intern!(py, "outlive._tags"))
}

/// A set of `items`; `None` if one of them cannot be a member.
fn members<'py>(
    items: &Bound<'py, PyList>,
    make: impl Fn(Python<'py>, &Bound<'py, PyList>) -> PyResult<Bound<'py, PyAny>>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let hashable = items.iter().all(|item| item.hash().is_ok());
    if hashable { make(items.py(), items).map(Some) } else { Ok(None) }
}

fn from_pairs<'py>(pairs: &Bound<'py, PyList>) -> PyResult<Option<Bound<'py, PyAny>>> {
    let dict = PyDict::new(pairs.py());
    for pair in pairs {
        let Ok(pair) = pair.cast_into_exact::<PyList>() else { return Ok(None) };
        if pair.len() != 2 || pair.get_item(0)?.hash().is_err() {
            return Ok(None);
        }
        dict.set_item(pair.get_item(0)?, pair.get_item(1)?)?;
    }
    Ok(Some(dict.into_any()))
}

/// One string of several; `None` if one of them is none.
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
