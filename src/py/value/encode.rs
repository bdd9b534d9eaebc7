//! From a Python value to its JSON text: exact types only, everything else is refused by name.

mod members;
mod scalars;
mod tagged;

use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};

use super::classes::Classes;
use super::refusal::Refusal;
use crate::error::Error;
use crate::py::ffi::{check_stack, utf8};
use crate::value::MAX_DEPTH;
use crate::value::tag::Tag;
use crate::value::write::Writer;
use members::put_dict;
use scalars::{put_float, put_int, put_odd_str};
use tagged::{put_dumped, put_tagged};

type Encoded = Result<(), Box<Refusal>>;

/// The position of the writer in a value, and how careful it must be.
#[derive(Clone, Copy)]
struct Walk<'a> {
    depth: u32,
    /// Whether other code may run meanwhile and change what is being written.
    guarded: bool,
    /// The classes whose instances can be stored.
    classes: &'a Classes<'a>,
}

impl Walk<'_> {
    fn deeper(self, levels: u32) -> Self {
        Self { depth: self.depth + levels, ..self }
    }

    /// Refuses to go on unless it is prepared for other code to run from here on.
    fn may_run_code(self) -> Encoded {
        if self.guarded { Ok(()) } else { Err(Refusal::begin_anew()) }
    }
}

/// `MAX_DEPTH` in the width of a walk, which is passed in two registers.
const LIMIT: u32 = 500;
const _: () = assert!(LIMIT as usize == MAX_DEPTH);

/// Appends the text of `value`, which is nested in `depth` others, to `writer`.
///
/// Plain JSON is written without a copy: nothing in it releases the GIL or runs code. At the first
/// value that may, everything is begun anew, and each dict is copied before it is iterated.
pub fn encode(
    value: &Bound<'_, PyAny>,
    writer: &mut Writer,
    depth: usize,
    classes: Classes<'_>,
) -> Encoded {
    let start = writer.as_bytes().len();
    let depth = u32::try_from(depth).unwrap_or(LIMIT);
    let walk = Walk { depth, classes: &classes, guarded: cfg!(Py_GIL_DISABLED) };
    if let Some(dumped) = classes.dump_all(value).map_err(Refusal::interrupted)? {
        return put_dumped(dumped, writer, Walk { guarded: true, ..walk });
    }
    match put(value, writer, walk) {
        Err(refusal) if refusal.again => {
            writer.rewind(start);
            put(value, writer, Walk { guarded: true, ..walk })
        }
        written => written,
    }
}

/// Refuses to go on if the thread is near the end of its stack.
#[inline(never)]
fn has_room() -> Encoded {
    check_stack().map_err(|_| Refusal::too_deep())
}

/// Writes one value.
///
/// IMPORTANT: it calls itself for each level of nesting, up to `MAX_DEPTH` times and also in
/// threads whose stacks are small. So everything that needs room on the stack is a function of its
/// own, kept out of line: every level pays for what is inlined here.
fn put(value: &Bound<'_, PyAny>, w: &mut Writer, walk: Walk<'_>) -> Encoded {
    if walk.depth >= LIMIT {
        return Err(Refusal::too_deep());
    }
    // Some values are nested two or three levels deeper than what holds them.
    if walk.depth % 8 >= 6 {
        has_room()?;
    }
    if let Ok(text) = value.cast_exact::<PyString>() {
        match utf8(text) {
            Some(clean) => {
                w.str(clean);
                Ok(())
            }
            None => put_odd_str(text, w, walk),
        }
    } else if value.is_none() {
        w.null();
        Ok(())
    } else if let Ok(number) = value.cast_exact::<PyInt>() {
        put_int(number, w, walk)
    } else if let Ok(flag) = value.cast_exact::<PyBool>() {
        w.bool(flag.is_true());
        Ok(())
    } else if let Ok(dict) = value.cast_exact::<PyDict>() {
        put_dict(dict, w, walk)
    } else if let Ok(list) = value.cast_exact::<PyList>() {
        put_items(list.iter(), w, walk)
    } else if let Ok(number) = value.cast_exact::<PyFloat>() {
        put_float(number.value(), w);
        Ok(())
    } else if let Ok(tuple) = value.cast_exact::<PyTuple>() {
        w.begin_tag(Tag::Tuple);
        put_items(tuple.iter(), w, walk.deeper(1))?;
        w.end_dict();
        Ok(())
    } else {
        put_tagged(value, w, walk)
    }
}

#[inline(never)]
fn put_items<'py>(
    items: impl Iterator<Item = Bound<'py, PyAny>>,
    w: &mut Writer,
    walk: Walk<'_>,
) -> Encoded {
    w.begin_list();
    for (n, item) in items.enumerate() {
        if n > 0 {
            w.comma();
        }
        put(&item, w, walk.deeper(1)).map_err(|refusal| refusal.in_item(n))?;
    }
    w.end_list();
    Ok(())
}

/// To a user, both ways in which a str can be refused are one.
fn settle(written: PyResult<Result<(), Error>>) -> Encoded {
    let refused = || Refusal::new("str that cannot be encoded");
    written.map_err(|_| refused())?.map_err(|_| refused())
}
