//! The one file with `unsafe`: the vectorcall entry of a memoised function.
//!
//! A hit must cost less than PyO3's own calling convention does, so the type of `Memoised` gets a
//! vectorcall slot by hand: no tuple, no dict, no conversion. Everything that is not a hit goes
//! to safe code. Beside it stand the two other things that safe code cannot say: a call that survives
//! the interpreter's end, and what is done around forks.
#![expect(unsafe_code, reason = "CPython's vectorcall protocol is a C interface")]

use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::sync::Once;

use pyo3::exceptions::PyRuntimeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple, PyType};

use super::call::Call;
use super::hits::Served;
use super::memoised::Memoised;

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
    pub fn to_call(&self) -> PyResult<Call<'py>> {
        let values = (0..self.width()).map(|at| self.argument(at).to_owned()).collect();
        let names = self.names().map_or_else(
            || Ok(Vec::new()),
            |names| names.iter().map(|name| Ok(name.cast_into::<PyString>()?)).collect(),
        );
        names.map(|names: Vec<_>| Call::new(values, names))
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
        (class == &raw mut ffi::PyUnicode_Type || is_simple(class))
            .then(|| ffi::PyObject_Hash(object) as u64)
    }
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
        if names.is_null() { 0 } else { (unsafe { ffi::PyTuple_GET_SIZE(names) }) as usize };
    let positional = nargsf & !ffi::PY_VECTORCALL_ARGUMENTS_OFFSET;
    let call = RawCall { arguments, positional, names, keywords, py, lives: PhantomData };
    match me.get().hit(&call) {
        Some(Served::Same(object)) => object.into_ptr(),
        Some(Served::Copy(live)) => guarded(py, || live.serve(py)),
        None => guarded(py, || me.get().call_slow(&call)),
    }
}

/// Runs safe code at the edge to C: an error is set, a panic becomes an exception.
fn guarded<'py>(
    py: Python<'py>,
    run: impl FnOnce() -> PyResult<Bound<'py, PyAny>>,
) -> *mut ffi::PyObject {
    // PyO3 must know that the interpreter is attached, or it puts off every decref.
    Python::attach(|_| {
        let result = catch_unwind(AssertUnwindSafe(run));
        let result = result.unwrap_or_else(|_| Err(PyRuntimeError::new_err("a bug in outlive")));
        result.map_or_else(
            |error| {
                error.restore(py);
                ptr::null_mut()
            },
            Bound::into_ptr,
        )
    })
}

/// Hangs its thread for ever when it is dropped.
struct Hang;

impl Drop for Hang {
    fn drop(&mut self) {
        loop {
            std::thread::park();
        }
    }
}

type CallFunction = unsafe extern "C-unwind" fn(
    *mut ffi::PyObject,
    *mut ffi::PyObject,
    *mut ffi::PyObject,
) -> *mut ffi::PyObject;

/// Calls what may run Python code for long.
///
/// While the interpreter ends, CPython before 3.14 kills each daemon thread that runs such code, by
/// unwinding its stack. That must not go through Rust's frames, which would release objects without
/// holding the interpreter: here the thread sleeps for ever instead, as it does since 3.14.
pub fn call<'py>(
    function: &Bound<'py, PyAny>,
    args: &Bound<'py, PyTuple>,
    kwargs: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyAny>> {
    let kwargs = kwargs.map_or(ptr::null_mut(), Bound::as_ptr);
    let hang = Hang;
    // SAFETY: the types differ in what unwinding does only, and "C-unwind" permits more. All
    // objects are alive, the interpreter is attached, and the call returns a reference of our own.
    let result = unsafe {
        let call: CallFunction = std::mem::transmute(ffi::PyObject_Call as *const ());
        let result = call(function.as_ptr(), args.as_ptr(), kwargs);
        Bound::from_owned_ptr_or_err(function.py(), result)
    };
    std::mem::forget(hang);
    result
}

/// Has the three called around each fork of the process, in the thread that forks: before it, after
/// it in the parent, after it in the child.
#[cfg(unix)]
pub fn at_fork(before: extern "C" fn(), in_parent: extern "C" fn(), in_child: extern "C" fn()) {
    // SAFETY: the functions live as long as this module, which CPython never unloads.
    let failed =
        unsafe { nix::libc::pthread_atfork(Some(before), Some(in_parent), Some(in_child)) };
    assert_eq!(failed, 0, "no memory for three pointers");
}

/// This system has no forks.
#[cfg(not(unix))]
pub fn at_fork(_: extern "C" fn(), _: extern "C" fn(), _: extern "C" fn()) {}

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
