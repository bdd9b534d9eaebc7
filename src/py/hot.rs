//! The one file with `unsafe`: the vectorcall entry of a memoised function.
//!
//! A hit must cost less than PyO3's own calling convention does, so the type of `Memoised` gets a
//! vectorcall slot by hand: no tuple, no dict, no conversion. Everything that is not a hit goes
//! to safe code.
#![expect(unsafe_code, reason = "CPython's vectorcall protocol is a C interface")]

#[cfg(not(Py_GIL_DISABLED))]
use std::cell::{Cell, UnsafeCell};
use std::fs::File;
use std::io;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
#[cfg(not(Py_3_14))]
use std::slice;
use std::sync::Once;
use std::sync::atomic::{AtomicIsize, AtomicPtr, AtomicU32, Ordering};

use memmap2::MmapRaw;
#[cfg(not(Py_GIL_DISABLED))]
use pyo3::PyVisit;
use pyo3::exceptions::PyRuntimeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyInt, PyString, PyTuple, PyType};

use super::call::Call;
use super::hits::Served;
use super::live::{Live, Template};
use super::memoised::Memoised;
use crate::store::Memory;

/// Where CPython finds the C function that calls a `Memoised`.
#[derive(Debug)]
pub struct Entry(AtomicPtr<()>);

impl Entry {
    /// The entry of a function whose hits are all of the commonest sort so far.
    pub fn new() -> Self {
        Self(AtomicPtr::new(quick as ffi::vectorcallfunc as *mut ()))
    }

    /// From now on hits may be of any sort: none is looked for twice.
    pub fn widen(&self) {
        self.0.store(any as ffi::vectorcallfunc as *mut (), Ordering::Relaxed);
    }
}

/// The arguments of one call, where CPython put them.
pub struct RawCall<'a, 'py> {
    arguments: *const *mut ffi::PyObject,
    positional: usize,
    names: *mut ffi::PyObject,
    py: Python<'py>,
    lives: PhantomData<&'a ()>,
}

impl<'a, 'py> RawCall<'a, 'py> {
    /// Proof that the interpreter is attached.
    pub fn py(&self) -> Python<'py> {
        self.py
    }

    /// How many arguments there are.
    #[inline]
    pub fn width(&self) -> usize {
        self.positional + self.names().map_or(0, |names| names.len())
    }

    /// How many of them are positional.
    #[inline]
    pub fn positional(&self) -> usize {
        self.positional
    }

    /// The names of the others.
    #[inline]
    pub fn names(&self) -> Option<Borrowed<'a, 'py, PyTuple>> {
        if self.names.is_null() {
            return None;
        }
        // SAFETY: kwnames of a vectorcall is NULL or a tuple that the caller keeps alive.
        Some(unsafe { borrowed(self.py, self.names).cast_unchecked() })
    }

    /// The argument `at`, counted from 0, keywords behind the positional ones.
    #[inline]
    pub fn argument(&self, at: usize) -> Borrowed<'a, 'py, PyAny> {
        // Most are positional: then the names need not be looked at.
        assert!(at < self.positional || at < self.width());
        // SAFETY: the array holds `width` objects (checked above) that the caller keeps alive.
        unsafe { borrowed(self.py, *self.arguments.add(at)) }
    }

    /// The call in safe terms.
    pub fn to_call(&self) -> Call<'py> {
        let values = (0..self.width()).map(|at| self.argument(at).to_owned()).collect();
        let names = self.names().filter(|names| !names.is_empty());
        Call::new(values, names.map(Borrowed::to_owned))
    }
}

/// An object that lives as long as the call, without `PyO3`'s own check for NULL.
#[inline]
unsafe fn borrowed<'a>(py: Python<'_>, object: *mut ffi::PyObject) -> Borrowed<'a, '_, PyAny> {
    // SAFETY: the caller has an object, and it is not NULL.
    unsafe { Borrowed::from_ptr_or_opt(py, object).unwrap_unchecked() }
}

/// The hash of a str that has noted it: nothing is called. None for any other argument.
#[inline]
pub fn noted_hash(argument: Borrowed<'_, '_, PyAny>) -> Option<u64> {
    let object = argument.as_ptr();
    // SAFETY: `argument` is alive, and an exact str where it is looked into.
    unsafe {
        let is_str = ffi::Py_TYPE(object) == &raw mut ffi::PyUnicode_Type;
        is_str.then(|| str_note(object)).flatten()
    }
}

/// The same for a small int, too.
#[inline]
pub fn near_hash(argument: Borrowed<'_, '_, PyAny>) -> Option<u64> {
    let object = argument.as_ptr();
    noted_hash(argument).or_else(|| {
        // SAFETY: `argument` is alive, and an exact int where it is looked into.
        unsafe {
            let is_int = ffi::Py_TYPE(object) == &raw mut ffi::PyLong_Type;
            is_int.then(|| small_int(object)).flatten()
        }
    })
}

/// A number that stands for an exact int of one digit, and for no other; None for larger ones.
#[inline]
unsafe fn small_int(int: *mut ffi::PyObject) -> Option<u64> {
    // SAFETY: the caller has an exact int, which never changes: a head, a word that holds how many
    // digits there are and the sign, and the digits.
    unsafe {
        let word = *int.cast::<ffi::PyObject>().add(1).cast::<usize>();
        let digit = *int.cast::<ffi::PyObject>().add(1).cast::<usize>().add(1).cast::<u32>();
        // Up to 3.11 the number of digits, negative if the int is; then eight times that, and the
        // sign in the lowest two bits: 0 positive, 1 zero, 2 negative.
        #[cfg(not(Py_3_12))]
        let (small, sign) = (word.wrapping_add(1) <= 2, word);
        #[cfg(Py_3_12)]
        let (small, sign) = (word < 16, word & 3);
        small.then(|| spread_hash(u64::from(digit) << 32 | (sign as u64 & 3)))
    }
}

/// The hash of a str, int, float, bool, bytes or None, well spread; None for any other type. No
/// Python code is run.
#[inline]
pub fn leaf_hash(argument: Borrowed<'_, '_, PyAny>) -> Option<u64> {
    let object = argument.as_ptr();
    // SAFETY: `argument` is alive, the interpreter attached.
    unsafe {
        if ffi::Py_TYPE(object) == &raw mut ffi::PyUnicode_Type {
            // Python's hashes of texts are well spread as they are.
            return Some(str_hash(object));
        }
    }
    other_hash(argument)
}

#[inline(never)]
fn other_hash(argument: Borrowed<'_, '_, PyAny>) -> Option<u64> {
    let object = argument.as_ptr();
    // SAFETY: `argument` is alive, the interpreter attached; the hash of these exact types is C
    // code that cannot fail.
    unsafe {
        let class = ffi::Py_TYPE(object);
        if class == &raw mut ffi::PyLong_Type
            && let Some(hash) = small_int(object)
        {
            return Some(hash);
        }
        is_leaf(class).then(|| spread_hash(ffi::PyObject_Hash(object).cast_unsigned() as u64))
    }
}

/// Makes all bits depend on all bits: those of an int's hash are the int's own.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "both halves are taken")]
pub fn spread_hash(hash: u64) -> u64 {
    let wide = u128::from(hash ^ 0x9e37_79b9_7f4a_7c15) * 0xd1b5_4a32_d192_ed03;
    (wide as u64) ^ (wide >> 64) as u64
}

/// The hash of an exact str.
#[inline]
unsafe fn str_hash(text: *mut ffi::PyObject) -> u64 {
    // SAFETY: the caller has an exact str; its hash is C code that cannot fail.
    unsafe { str_note(text).unwrap_or_else(|| ffi::PyObject_Hash(text).cast_unsigned() as u64) }
}

/// The hash of an exact str if somebody has asked for it before: then it is noted.
#[inline]
unsafe fn str_note(text: *mut ffi::PyObject) -> Option<u64> {
    // SAFETY: the caller has an exact str, which begins with this head. Without a GIL another thread
    // may be about to note the hash, in one piece as it is read here.
    let noted = unsafe {
        AtomicIsize::from_ptr(&raw mut (*text.cast::<ffi::PyASCIIObject>()).hash)
            .load(Ordering::Relaxed)
    };
    (noted != -1).then(|| noted.cast_unsigned() as u64)
}

#[inline]
fn is_leaf(class: *mut ffi::PyTypeObject) -> bool {
    // SAFETY: only the addresses of CPython's own static types are taken.
    let (int, float, bool, bytes) = (
        &raw mut ffi::PyLong_Type,
        &raw mut ffi::PyFloat_Type,
        &raw mut ffi::PyBool_Type,
        &raw mut ffi::PyBytes_Type,
    );
    // SAFETY: None is immortal or kept alive by the interpreter.
    let none = unsafe { ffi::Py_TYPE(ffi::Py_None()) };
    class == int || class == float || class == bool || class == bytes || class == none
}

/// Whether two arguments of which the first is a str, int, float, bool, bytes or None are of one type
/// and equal. No Python code is run.
pub fn leaves_equal(own: Borrowed<'_, '_, PyAny>, argument: Borrowed<'_, '_, PyAny>) -> bool {
    let (own, other) = (own.as_ptr(), argument.as_ptr());
    // SAFETY: both are alive, the interpreter is attached. The types are equal and simple, so the
    // comparison is C code that runs no Python; an error (none can occur) counts as "different".
    unsafe {
        let class = ffi::Py_TYPE(own);
        if class != ffi::Py_TYPE(other) {
            return false;
        }
        #[cfg(not(Py_3_14))]
        if class == &raw mut ffi::PyUnicode_Type
            && let (Some(own), Some(other)) = (ascii_of(own), ascii_of(other))
        {
            return own == other;
        }
        if class == &raw mut ffi::PyFloat_Type {
            // Bits, because 0.0 and -0.0 are two keys.
            return ffi::PyFloat_AS_DOUBLE(own).to_bits()
                == ffi::PyFloat_AS_DOUBLE(other).to_bits();
        }
        ffi::PyObject_RichCompareBool(own, other, ffi::Py_EQ) == 1
    }
}

/// The function and the arguments of a vectorcall.
#[inline]
unsafe fn parts<'a, 'py>(
    callable: *mut ffi::PyObject,
    arguments: *const *mut ffi::PyObject,
    nargsf: usize,
    names: *mut ffi::PyObject,
) -> (Borrowed<'a, 'py, Memoised>, RawCall<'a, 'py>) {
    let positional = nargsf & !ffi::PY_VECTORCALL_ARGUMENTS_OFFSET;
    // SAFETY: CPython calls with the interpreter attached, `callable` an instance of the one type
    // that has this slot, and the arguments as `RawCall` says.
    unsafe {
        let py = Python::assume_attached();
        let call = RawCall { arguments, positional, names, py, lives: PhantomData };
        (borrowed(py, callable).cast_unchecked(), call)
    }
}

/// The commonest hits, in a function that calls nothing and so needs no stack: whatever else there
/// is to do, another function does in its place.
unsafe extern "C" fn quick(
    callable: *mut ffi::PyObject,
    arguments: *const *mut ffi::PyObject,
    nargsf: usize,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: these are a vectorcall's own, here and where they are handed on.
    unsafe {
        let (me, call) = parts(callable, arguments, nargsf, names);
        match me.get().quick_hit(&call) {
            Some(object) => object.into_ptr(),
            None => any(callable, arguments, nargsf, names),
        }
    }
}

/// All hits.
#[inline(never)]
unsafe extern "C" fn any(
    callable: *mut ffi::PyObject,
    arguments: *const *mut ffi::PyObject,
    nargsf: usize,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: these are a vectorcall's own, here and where they are handed on.
    unsafe {
        let (me, call) = parts(callable, arguments, nargsf, names);
        match me.get().hit(&call) {
            Some(served) => served_to(&call, served),
            None => slow(callable, arguments, nargsf, names),
        }
    }
}

#[inline]
fn served_to(call: &RawCall<'_, '_>, served: Served) -> *mut ffi::PyObject {
    match served {
        Served::Same(object) => object.into_ptr(),
        // Bound, as outside of the guard `PyO3` would put off giving up any other reference.
        Served::Copy(template) => copied(&template.into_bound(call.py())),
        Served::Live(live, shared) => live_to(call.py(), &live, shared),
    }
}

/// A fresh copy. Copying does not unwind, so only its failure needs the guard.
#[inline(never)]
fn copied(template: &Bound<'_, Template>) -> *mut ffi::PyObject {
    let py = template.py();
    template.get().serve(py).map_or_else(|error| guarded(py, || Err(error)), Bound::into_ptr)
}

/// The same of a result that the cache may let go meanwhile; if we are the last to hold it, `PyO3`
/// puts off giving up what is in it until it may run code.
#[inline(never)]
fn live_to(py: Python<'_>, live: &Live, shared: bool) -> *mut ffi::PyObject {
    let served = if shared { live.serve_shared(py) } else { live.serve(py) };
    served.map_or_else(|error| guarded(py, || Err(error)), Bound::into_ptr)
}

#[cold]
#[inline(never)]
unsafe extern "C" fn slow(
    callable: *mut ffi::PyObject,
    arguments: *const *mut ffi::PyObject,
    nargsf: usize,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: these are a vectorcall's own.
    let (me, call) = unsafe { parts(callable, arguments, nargsf, names) };
    guarded(call.py(), || Memoised::call_slow(&me, &call))
}

/// The text of a str, if it is UTF-8; that of ASCII is read where it lies.
#[inline]
pub fn utf8<'a>(text: &'a Bound<'_, PyString>) -> Option<&'a str> {
    #[cfg(not(Py_3_14))]
    // SAFETY: it is a str, which lives as long as its text is used; ASCII is UTF-8.
    if let Some(ascii) = unsafe { ascii_of(text.as_ptr()) } {
        return Some(unsafe { str::from_utf8_unchecked(ascii) });
    }
    text.to_str().ok()
}

/// The characters of a str that is all ASCII, where they lie.
#[cfg(not(Py_3_14))]
#[inline]
unsafe fn ascii_of<'a>(text: *mut ffi::PyObject) -> Option<&'a [u8]> {
    // SAFETY: the caller has a str and keeps it alive. A compact ASCII str holds as many bytes as
    // it has characters, all below 0x80, behind its head, and never changes while it lives.
    unsafe {
        (ffi::PyUnicode_IS_COMPACT_ASCII(text) != 0).then(|| {
            let length = ffi::PyUnicode_GET_LENGTH(text).cast_unsigned();
            slice::from_raw_parts(ffi::PyUnicode_1BYTE_DATA(text), length)
        })
    }
}

/// The value of an int, unless it is too large. Nothing is raised, and no code is run.
#[inline]
pub fn int_value(number: &Bound<'_, PyInt>) -> Option<i64> {
    let mut overflow = 0;
    // SAFETY: the int is alive, the interpreter attached; an int, or what is derived from it, is
    // read as it is, so that no error can be set.
    let value = unsafe { ffi::PyLong_AsLongLongAndOverflow(number.as_ptr(), &raw mut overflow) };
    (overflow == 0).then_some(value)
}

/// A new str of ASCII; None if `text` is not, or so short that Python keeps one for all.
#[inline]
pub fn ascii<'py>(py: Python<'py>, text: &[u8]) -> Option<PyResult<Bound<'py, PyString>>> {
    #[cfg(not(Py_3_14))]
    if text.len() > 1 && text.is_ascii() {
        // SAFETY: the new str has room for as many bytes as it has characters, and is not seen by
        // anybody before they are there.
        return Some(unsafe {
            let object = ffi::PyUnicode_New(text.len().cast_signed(), 0x7f);
            Bound::from_owned_ptr_or_err(py, object).map(|object| {
                let place = ffi::PyUnicode_1BYTE_DATA(object.as_ptr());
                ptr::copy_nonoverlapping(text.as_ptr(), place, text.len());
                object.cast_into_unchecked()
            })
        });
    }
    #[cfg(Py_3_14)]
    let _ = (py, text);
    None
}

#[cfg(Py_GIL_DISABLED)]
pub use super::attached::Attached;

/// What is only looked at while Python is attached: the GIL is its lock, and costs nothing more.
#[cfg(not(Py_GIL_DISABLED))]
#[derive(Debug, Default)]
pub struct Attached<T> {
    /// Whether somebody is in `with`: this thread further out, or one that let go of the GIL.
    busy: Cell<bool>,
    value: UnsafeCell<T>,
}

// SAFETY: both fields are only touched by a thread that holds the GIL, of which there is one at a
// time (PyO3 refuses to be loaded in a second interpreter with a GIL of its own).
#[cfg(not(Py_GIL_DISABLED))]
unsafe impl<T: Send> Sync for Attached<T> {}

#[cfg(not(Py_GIL_DISABLED))]
impl<T> Attached<T> {
    /// What `run` makes of the value; None if somebody is at it.
    #[inline]
    pub fn with<R>(&self, _: Python<'_>, run: impl FnOnce(&mut T) -> R) -> Option<R> {
        if self.busy.replace(true) {
            return None;
        }
        // SAFETY: `busy` was false, so nobody has a reference; the GIL orders all who look at it.
        let result = run(unsafe { &mut *self.value.get() });
        self.busy.set(false);
        Some(result)
    }

    /// The same for all values there are: here it is one.
    pub fn for_all<R>(&self, py: Python<'_>, run: impl FnOnce(&mut T) -> R) -> Option<R> {
        self.with(py, run)
    }

    /// The same for the garbage collector, which holds the GIL too.
    pub fn with_visitor<R>(&self, _: &PyVisit<'_>, run: impl FnOnce(&T) -> R) -> Option<R> {
        // SAFETY: as in `with`; a visit runs no Python code and keeps the GIL.
        (!self.busy.get()).then(|| run(unsafe { &*self.value.get() }))
    }
}

/// Takes a private object out of the garbage collector's sight: it is part of no circle.
///
/// What is copied from it is seen again as soon as it holds anything that can be.
#[cfg(not(any(Py_3_14, Py_GIL_DISABLED)))]
pub fn hide(object: &Bound<'_, PyAny>) {
    // SAFETY: the object is alive, and of a container type as all that is handed in here; an
    // object that is not tracked is left alone.
    unsafe { ffi::PyObject_GC_UnTrack(object.as_ptr().cast()) }
}

/// From 3.14 on dicts that are copied from hidden ones would stay hidden for ever.
#[cfg(any(Py_3_14, Py_GIL_DISABLED))]
pub fn hide(_: &Bound<'_, PyAny>) {}

/// What copying a result takes: the interpreter's own functions, of which each gives None with an
/// error set if it fails. `PyO3`'s would look for the error each time, and hand results through memory.
pub mod raw {
    use super::{Bound, Py, PyAny, ffi};

    /// A new dict with the same members.
    #[inline]
    pub fn copy_dict<'py>(dict: &Bound<'py, PyAny>) -> Option<Bound<'py, PyAny>> {
        // SAFETY: it is alive, and the interpreter is attached; what is no dict is refused; the copy
        // is ours.
        unsafe { Bound::from_owned_ptr_or_opt(dict.py(), ffi::PyDict_Copy(dict.as_ptr())) }
    }

    /// A new list with the same items.
    #[inline]
    pub fn copy_list<'py>(list: &Bound<'py, PyAny>) -> Option<Bound<'py, PyAny>> {
        // SAFETY: as above, of a list.
        unsafe {
            let copy = ffi::PyList_GetSlice(list.as_ptr(), 0, ffi::PY_SSIZE_T_MAX);
            Bound::from_owned_ptr_or_opt(list.py(), copy)
        }
    }

    /// A new set with the same members.
    pub fn copy_set<'py>(set: &Bound<'py, PyAny>) -> Option<Bound<'py, PyAny>> {
        // SAFETY: it is alive, and the interpreter is attached; the new set is ours.
        unsafe { Bound::from_owned_ptr_or_opt(set.py(), ffi::PySet_New(set.as_ptr())) }
    }

    /// Puts a value into a dict.
    #[inline]
    pub fn set(dict: &Bound<'_, PyAny>, key: &Py<PyAny>, value: &Bound<'_, PyAny>) -> Option<()> {
        // SAFETY: all three are alive, and the interpreter is attached; what is no dict is refused.
        let failed = unsafe { ffi::PyDict_SetItem(dict.as_ptr(), key.as_ptr(), value.as_ptr()) };
        (failed == 0).then_some(())
    }

    /// Puts an item in place of another of a list.
    #[inline]
    pub fn set_nth(list: &Bound<'_, PyAny>, n: usize, item: Bound<'_, PyAny>) -> Option<()> {
        let (list, n) = (list.as_ptr(), n.cast_signed());
        // SAFETY: both are alive, and the interpreter is attached; the list takes the item over,
        // and refuses a place that it does not have; what is no list is refused.
        let failed = unsafe { ffi::PyList_SetItem(list, n, item.into_ptr()) };
        (failed == 0).then_some(())
    }
}

/// Runs safe code at the edge to C: an error is set, a panic becomes an exception.
fn guarded<'py>(
    py: Python<'py>,
    run: impl FnOnce() -> PyResult<Bound<'py, PyAny>>,
) -> *mut ffi::PyObject {
    let mut run = Some(run);
    let mut once = || run.take().map_or(Err(a_bug()), caught);
    // PyO3 must know that the interpreter is attached, or it puts off every decref. It refuses
    // while the interpreter ends: then the call comes from a destructor, and is answered too.
    let result = Python::try_attach(|_| once()).unwrap_or_else(once);
    result.map_or_else(
        |error| {
            error.restore(py);
            ptr::null_mut()
        },
        Bound::into_ptr,
    )
}

fn caught<'py>(run: impl FnOnce() -> PyResult<Bound<'py, PyAny>>) -> PyResult<Bound<'py, PyAny>> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| Err(a_bug()))
}

fn a_bug() -> PyErr {
    PyRuntimeError::new_err("a bug in outlive")
}

/// Calls a function that may take long, so that the interpreter may end meanwhile.
///
/// Up to Python 3.13 a daemon thread that wants to go on then is unwound by `pthread_exit`, which
/// ends the process when it meets Rust code. It sleeps here instead, as it does from 3.14 on.
pub fn call<'py>(function: &Bound<'py, PyAny>, call: &Call<'py>) -> PyResult<Bound<'py, PyAny>> {
    // A `Bound` is a pointer and nothing else (`repr(transparent)`); an empty array is not read.
    let values = call.values().as_ptr().cast::<*mut ffi::PyObject>();
    let names = call.names().map_or(ptr::null_mut(), Bound::as_ptr);
    let unwound = SleepsForEver;
    // SAFETY: the two function types differ in this alone: that the caller is ready to be unwound.
    let vectorcall: UnwindingCall =
        unsafe { std::mem::transmute(ffi::PyObject_Vectorcall as *const ()) };
    // The optimiser must not see through the pointer: it takes what PyO3 declares for a promise that
    // nothing unwinds, and drops `unwound`'s clean-up.
    let vectorcall = std::hint::black_box(vectorcall);
    // SAFETY: the interpreter is attached. The array holds the positional arguments and then as
    // many as there are names; `call` keeps them and the tuple of names (NULL or not empty) alive.
    // The result is ours, or NULL with an error set.
    let result = unsafe {
        let result = vectorcall(function.as_ptr(), values, call.positional().len(), names);
        Bound::from_owned_ptr_or_err(function.py(), result)
    };
    std::mem::forget(unwound);
    result
}

/// `PyObject_Vectorcall` as it is: PyO3 declares it as never unwinding.
type UnwindingCall = unsafe extern "C-unwind" fn(
    *mut ffi::PyObject,
    *const *mut ffi::PyObject,
    usize,
    *mut ffi::PyObject,
) -> *mut ffi::PyObject;

/// Stops the thread that drops it.
struct SleepsForEver;

impl Drop for SleepsForEver {
    fn drop(&mut self) {
        loop {
            std::thread::park();
        }
    }
}

/// Has the C library call `before` in a thread that is about to fork, and `after` in the same
/// thread when that is done, in the parent and in the child.
#[cfg(unix)]
pub fn at_fork(before: unsafe extern "C" fn(), after: unsafe extern "C" fn()) {
    // SAFETY: both are functions of this module, which CPython never unloads, and safe to call.
    // A failure (no memory) leaves forks as they are.
    unsafe { nix::libc::pthread_atfork(Some(before), Some(after), Some(after)) };
}

/// There are no forks here.
#[cfg(not(unix))]
pub fn at_fork(_: unsafe extern "C" fn(), _: unsafe extern "C" fn()) {}

/// Memory behind a file that other processes see too.
#[derive(Debug)]
struct Shared(MmapRaw);

impl Memory for Shared {
    #[expect(
        clippy::cast_ptr_alignment,
        reason = "a map begins where a page does, and it is checked"
    )]
    fn words(&self) -> &[AtomicU32] {
        let start = self.0.as_mut_ptr().cast::<AtomicU32>();
        assert!(start.is_aligned());
        // SAFETY: the map is as long as it says, aligned (checked above), and there as long as
        // `self`, in which nobody writes but through these atomics; any bits are a number. The caller
        // has seen to it that the file cannot be cut, so all of it can be read for ever.
        unsafe { slice::from_raw_parts(start, self.0.len() / size_of::<AtomicU32>()) }
    }
}

/// Shows the memory behind a file that nobody can cut.
pub fn share(file: &File) -> io::Result<Box<dyn Memory>> {
    MmapRaw::map_raw(file).map(|map| Box::new(Shared(map)) as Box<dyn Memory>)
}

/// Gives the type of `Memoised` its vectorcall slot; `first` is an instance no one has seen yet.
pub fn install(first: &Bound<'_, Memoised>) {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let entry = ptr::from_ref(first.get().entry()).cast::<u8>();
        let offset = entry as isize - first.as_ptr() as isize;
        patch(&first.get_type(), offset);
    });
}

/// Lets many threads call a function without counting, all in one place, who does.
///
/// It is then freed by the garbage collector alone, which is nothing new: its `cache_info` refers to
/// it, and so does the function itself if it stands in its own globals.
#[cfg(Py_GIL_DISABLED)]
pub fn defer_counting(function: &Bound<'_, Memoised>) {
    unsafe extern "C" {
        fn PyUnstable_Object_EnableDeferredRefcount(object: *mut ffi::PyObject) -> std::ffi::c_int;
    }
    // SAFETY: the object is alive; CPython exports this function since 3.14, the first version that
    // PyO3 supports without a GIL. It leaves an object alone that the collector does not track.
    unsafe { PyUnstable_Object_EnableDeferredRefcount(function.as_ptr()) };
}

/// With a GIL counting is cheap.
#[cfg(not(Py_GIL_DISABLED))]
pub fn defer_counting(_: &Bound<'_, Memoised>) {}

fn patch(class: &Bound<'_, PyType>, offset: isize) {
    let class = class.as_type_ptr();
    // SAFETY: the type is a heap type of this module that nobody has called yet. All instances
    // have their entry at the same offset, and `PyVectorcall_Call` is made for such types. A
    // method descriptor's `__get__` must give an ordinary bound method: it does.
    unsafe {
        (*class).tp_vectorcall_offset = offset as ffi::Py_ssize_t;
        (*class).tp_call = Some(ffi::PyVectorcall_Call);
        set_flags(class, ffi::Py_TPFLAGS_HAVE_VECTORCALL | ffi::Py_TPFLAGS_METHOD_DESCRIPTOR);
        ffi::PyType_Modified(class);
    }
}

#[cfg(not(Py_GIL_DISABLED))]
unsafe fn set_flags(class: *mut ffi::PyTypeObject, flags: std::ffi::c_ulong) {
    // SAFETY: as in `patch`.
    unsafe { (*class).tp_flags |= flags }
}

#[cfg(Py_GIL_DISABLED)]
unsafe fn set_flags(class: *mut ffi::PyTypeObject, flags: std::ffi::c_ulong) {
    // SAFETY: as in `patch`.
    unsafe { (*class).tp_flags.fetch_or(flags, std::sync::atomic::Ordering::SeqCst) };
}
