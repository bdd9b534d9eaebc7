//! The members of a dict. PyO3's iterator compares lengths and positions at each step; this one
//! only asks the interpreter, and writes plain members without even counting references.

#[cfg(not(Py_GIL_DISABLED))]
use std::mem::MaybeUninit;

#[cfg(not(Py_GIL_DISABLED))]
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyDict;

#[cfg(all(not(Py_GIL_DISABLED), not(Py_3_14)))]
use super::{room::Room, str_entries::StrEntries};
#[cfg(all(not(Py_GIL_DISABLED), not(Py_3_14)))]
use crate::value::write::Charset;
use crate::value::write::Writer;

/// A member of a dict.
type Member<'py> = (Bound<'py, PyAny>, Bound<'py, PyAny>);

/// Returns the members of `dict`; if it changes meanwhile, some may come twice or not at all.
#[cfg(not(Py_GIL_DISABLED))]
#[inline]
pub fn members<'a, 'py>(dict: &'a Bound<'py, PyDict>) -> Members<'a, 'py> {
    Members { dict, place: 0 }
}

/// The iterator of [`members`].
#[cfg(not(Py_GIL_DISABLED))]
pub struct Members<'a, 'py> {
    dict: &'a Bound<'py, PyDict>,
    place: ffi::Py_ssize_t,
}

#[cfg(not(Py_GIL_DISABLED))]
impl<'py> Members<'_, 'py> {
    /// Returns the key and the value of the next member.
    ///
    /// SAFETY: both are borrowed from the dict, which must not change while they are in use.
    #[inline]
    unsafe fn step(&mut self) -> Option<[*mut ffi::PyObject; 2]> {
        let (mut key, mut value) = (MaybeUninit::uninit(), MaybeUninit::uninit());
        // SAFETY: it is a dict, alive, and the interpreter is attached. A position stays valid in a
        // dict that has changed. Both references exist while there is another member.
        unsafe {
            let (dict, place) = (self.dict.as_ptr(), &raw mut self.place);
            let found = ffi::PyDict_Next(dict, place, key.as_mut_ptr(), value.as_mut_ptr()) != 0;
            found.then(|| [key.assume_init(), value.assume_init()])
        }
    }

    /// Writes the members that come next and are plain (see [`Room`]). Returns the first other one;
    /// `first` says, before and after, whether it is the first of the dict. Out of line: who writes
    /// a dict calls itself.
    #[cfg(not(Py_3_14))]
    #[inline(never)]
    pub fn next_but_plain(&mut self, w: &mut Writer, first: &mut bool) -> Option<Member<'py>> {
        match w.charset() {
            Charset::Utf8 => self.write_plain::<false>(w, first),
            Charset::Ascii => self.write_plain::<true>(w, first),
        }
    }

    #[cfg(not(Py_3_14))]
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "a call that asks for one of two")]
    fn write_plain<const WIDE: bool>(
        &mut self,
        w: &mut Writer,
        first: &mut bool,
    ) -> Option<Member<'py>> {
        let mut room = Room::of(w.room());
        // SAFETY: nothing that could change the dict runs before both references are counted, or no
        // longer used: a room knows no Python.
        let other = unsafe {
            let entries = StrEntries::of(self.dict.as_ptr());
            loop {
                let next = match entries {
                    Some(entries) => entries.next(&mut self.place),
                    None => self.step(),
                };
                let Some([key, value]) = next else { break None };
                if !room.member::<WIDE>(key, value, *first) {
                    break self.owned([key, value]);
                }
                *first = false;
            }
        };
        let more = room.used();
        w.written(more);
        other
    }

    #[cfg(Py_3_14)]
    pub fn next_but_plain(&mut self, _: &mut Writer, _: &mut bool) -> Option<Member<'py>> {
        self.next()
    }

    /// SAFETY: both must still be alive.
    #[inline]
    unsafe fn owned(&self, member: [*mut ffi::PyObject; 2]) -> Option<Member<'py>> {
        // SAFETY: the caller promises it.
        let [key, value] =
            member.map(|it| unsafe { Bound::from_borrowed_ptr_or_opt(self.dict.py(), it) });
        Some((key?, value?))
    }
}

#[cfg(not(Py_GIL_DISABLED))]
impl<'py> Iterator for Members<'_, 'py> {
    type Item = Member<'py>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        // SAFETY: both references are counted before anything else can run.
        unsafe { self.step().and_then(|member| self.owned(member)) }
    }
}

/// Returns the members of `dict`. Other threads may change it at any moment: PyO3 locks it.
#[cfg(Py_GIL_DISABLED)]
pub fn members<'py>(dict: &Bound<'py, PyDict>) -> Members<'py> {
    Members(dict.iter())
}

/// The iterator of [`members`].
#[cfg(Py_GIL_DISABLED)]
pub struct Members<'py>(pyo3::types::iter::BoundDictIterator<'py>);

#[cfg(Py_GIL_DISABLED)]
impl<'py> Members<'py> {
    pub fn next_but_plain(&mut self, _: &mut Writer, _: &mut bool) -> Option<Member<'py>> {
        self.0.next()
    }
}

#[cfg(Py_GIL_DISABLED)]
impl<'py> Iterator for Members<'py> {
    type Item = Member<'py>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next()
    }
}
