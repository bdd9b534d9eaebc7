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
use std::slice;
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Once};

use memmap2::MmapRaw;
use pyo3::PyVisit;
use pyo3::exceptions::PyRuntimeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyInt, PyString, PyTuple, PyType};

use super::call::Call;
use super::hits::Served;
use super::live::Live;
use super::memoised::Memoised;
use crate::store::Memory;

/// The C function that CPython finds in every `Memoised`.
#[derive(Debug)]
pub struct Entry(
    #[expect(dead_code, reason = "read by CPython, at the type's offset")] ffi::vectorcallfunc,
);

impl Entry {
    /// The entry of all memoised functions.
    pub fn new() -> Self {
        Self(vectorcall)
    }
}

/// The arguments of one call, where CPython put them.
pub struct RawCall<'a, 'py> {
    arguments: *const *mut ffi::PyObject,
    positional: usize,
    names: *mut ffi::PyObject,
    keywords: usize,
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
        self.positional + self.keywords
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
        Some(unsafe { Borrowed::from_ptr(self.py, self.names).cast_unchecked() })
    }

    /// The argument `at`, counted from 0, keywords behind the positional ones.
    #[inline]
    pub fn argument(&self, at: usize) -> Borrowed<'a, 'py, PyAny> {
        assert!(at < self.width());
        // SAFETY: the array holds `width` objects (checked above) that the caller keeps alive.
        unsafe { Borrowed::from_ptr(self.py, *self.arguments.add(at)) }
    }

    /// The call in safe terms.
    pub fn to_call(&self) -> Call<'py> {
        let values = (0..self.width()).map(|at| self.argument(at).to_owned()).collect();
        let names = self.names().filter(|names| !names.is_empty());
        Call::new(values, names.map(Borrowed::to_owned))
    }
}

/// The hash of an argument whose comparison runs no Python code; None for any other.
#[inline]
pub fn simple_hash(argument: Borrowed<'_, '_, PyAny>) -> Option<u64> {
    let object = argument.as_ptr();
    // SAFETY: `argument` is alive, the interpreter attached; the hash of these exact types is C
    // code that cannot fail.
    unsafe {
        let class = ffi::Py_TYPE(object);
        if class == &raw mut ffi::PyUnicode_Type {
            return Some(str_hash(object));
        }
        is_simple(class).then(|| ffi::PyObject_Hash(object).cast_unsigned() as u64)
    }
}

/// The hash of an exact str: where it keeps it, or -1 until somebody asked for it.
#[cfg(not(Py_GIL_DISABLED))]
#[inline]
unsafe fn str_hash(text: *mut ffi::PyObject) -> u64 {
    // SAFETY: the caller has an exact str; every one begins with this head.
    unsafe {
        match (*text.cast::<ffi::PyASCIIObject>()).hash {
            -1 => ffi::PyObject_Hash(text).cast_unsigned() as u64,
            hash => hash.cast_unsigned() as u64,
        }
    }
}

/// The hash of an exact str; another thread may be about to note it, so Python is asked.
#[cfg(Py_GIL_DISABLED)]
#[inline]
unsafe fn str_hash(text: *mut ffi::PyObject) -> u64 {
    // SAFETY: the caller has an exact str.
    unsafe { ffi::PyObject_Hash(text).cast_unsigned() as u64 }
}

#[inline]
fn is_simple(class: *mut ffi::PyTypeObject) -> bool {
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

/// Whether two arguments are the same key: identical, or of one simple type and equal.
#[inline]
pub fn same_value(own: &Py<PyAny>, argument: Borrowed<'_, '_, PyAny>) -> bool {
    own.as_ptr() == argument.as_ptr() || equal_value(own, argument)
}

fn equal_value(own: &Py<PyAny>, argument: Borrowed<'_, '_, PyAny>) -> bool {
    let (own, other) = (own.as_ptr(), argument.as_ptr());
    // SAFETY: both are alive, the interpreter is attached. The types are equal and simple, so the
    // comparison is C code that runs no Python; an error (none can occur) counts as "different".
    unsafe {
        let class = ffi::Py_TYPE(own);
        if class != ffi::Py_TYPE(other) {
            return false;
        }
        if class == &raw mut ffi::PyFloat_Type {
            // Bits, because 0.0 and -0.0 are two keys.
            return ffi::PyFloat_AS_DOUBLE(own).to_bits()
                == ffi::PyFloat_AS_DOUBLE(other).to_bits();
        }
        ffi::PyObject_RichCompareBool(own, other, ffi::Py_EQ) == 1
    }
}

unsafe extern "C" fn vectorcall(
    callable: *mut ffi::PyObject,
    arguments: *const *mut ffi::PyObject,
    nargsf: usize,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: CPython calls with the interpreter attached, `callable` an instance of the one type
    // that has this slot, and the arguments as `RawCall` says.
    let (py, me) = unsafe {
        let py = Python::assume_attached();
        (py, Borrowed::from_ptr(py, callable).cast_unchecked::<Memoised>())
    };
    // SAFETY: `names` is NULL or a tuple.
    let keywords =
        if names.is_null() { 0 } else { unsafe { ffi::PyTuple_GET_SIZE(names) }.cast_unsigned() };
    let positional = nargsf & !ffi::PY_VECTORCALL_ARGUMENTS_OFFSET;
    let call = RawCall { arguments, positional, names, keywords, py, lives: PhantomData };
    match me.get().hit(&call) {
        Some(Served::Same(object)) => object.into_ptr(),
        Some(Served::Copy(live)) => copied(py, live),
        None => slow(&me, &call),
    }
}

/// A fresh copy. Copying neither unwinds nor drops a `Py`, so only its failure needs the guard.
#[inline(never)]
#[expect(clippy::needless_pass_by_value, reason = "the reference must not outlive the copying")]
fn copied(py: Python<'_>, live: Arc<Live>) -> *mut ffi::PyObject {
    live.serve(py).map_or_else(|error| guarded(py, || Err(error)), Bound::into_ptr)
}

#[cold]
#[inline(never)]
fn slow<'py>(me: &Bound<'py, Memoised>, call: &RawCall<'_, 'py>) -> *mut ffi::PyObject {
    guarded(call.py(), || Memoised::call_slow(me, call))
}

/// The text of a str, if it is UTF-8; that of ASCII is read where it lies.
#[inline]
pub fn utf8<'a>(text: &'a Bound<'_, PyString>) -> Option<&'a str> {
    #[cfg(not(Py_3_14))]
    {
        let object = text.as_ptr();
        // SAFETY: a compact ASCII str holds as many bytes as it has characters, all below 0x80,
        // behind its head, and never changes while it lives.
        unsafe {
            if ffi::PyUnicode_IS_COMPACT_ASCII(object) != 0 {
                let length = ffi::PyUnicode_GET_LENGTH(object).cast_unsigned();
                let bytes = slice::from_raw_parts(ffi::PyUnicode_1BYTE_DATA(object), length);
                return Some(str::from_utf8_unchecked(bytes));
            }
        }
    }
    text.to_str().ok()
}

/// The value of an int, unless it is too large. Nothing is raised, and no code is run.
#[inline]
pub fn small_int(number: &Bound<'_, PyInt>) -> Option<i64> {
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

/// What is only looked at while Python is attached: the GIL is its lock, and costs nothing more.
///
/// Without a GIL it is an ordinary lock.
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

    /// The same for the garbage collector, which holds the GIL too.
    pub fn with_visitor<R>(&self, _: &PyVisit<'_>, run: impl FnOnce(&T) -> R) -> Option<R> {
        // SAFETY: as in `with`; a visit runs no Python code and keeps the GIL.
        (!self.busy.get()).then(|| run(unsafe { &*self.value.get() }))
    }
}

/// What is only looked at while Python is attached.
#[cfg(Py_GIL_DISABLED)]
#[derive(Debug, Default)]
pub struct Attached<T>(parking_lot::Mutex<T>);

#[cfg(Py_GIL_DISABLED)]
impl<T> Attached<T> {
    /// What `run` makes of the value.
    #[inline]
    pub fn with<R>(&self, _: Python<'_>, run: impl FnOnce(&mut T) -> R) -> Option<R> {
        Some(run(&mut self.0.lock()))
    }

    /// The same for the garbage collector, which must not wait.
    pub fn with_visitor<R>(&self, _: &PyVisit<'_>, run: impl FnOnce(&T) -> R) -> Option<R> {
        self.0.try_lock().map(|value| run(&value))
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
