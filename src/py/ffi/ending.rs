//! Threads at the end of the interpreter: up to Python 3.13 it unwinds them by `pthread_exit` as
//! soon as they want to go on, and glibc ends the process when that meets Rust code, because the
//! declarations of C functions promise that they do not unwind.
//!
//! So each function of the interpreter that may run Python code, and hence wait for its turn, is
//! reached through a function of this file (`build.rs` tells the linker): there the thread sleeps
//! for ever, as it does from 3.14 on. Other C libraries unwind nothing.

use pyo3::ffi::{Py_ssize_t, PyObject};

/// Stops the thread that drops it.
struct SleepsForEver;

impl Drop for SleepsForEver {
    fn drop(&mut self) {
        loop {
            std::thread::park();
        }
    }
}

/// Defines each function as the real one behind a guard. CPython returns by value, and no panic can
/// come from C, so only that unwinding drops the guard.
macro_rules! guarded {
    ($($wrap:ident = $real:ident($($name:ident: $type:ty),*) $(-> $result:ty)?;)*) => {
        unsafe extern "C-unwind" {
            $(fn $real($($name: $type),*) $(-> $result)?;)*
        }
        $(
            // SAFETY: the linker replaces the function, which has this signature, with this one,
            // and provides the function itself under its other name.
            #[unsafe(no_mangle)]
            unsafe extern "C-unwind" fn $wrap($($name: $type),*) $(-> $result)? {
                let unwound = SleepsForEver;
                // SAFETY: the caller keeps the contract of the function itself.
                let result = unsafe { $real($($name),*) };
                std::mem::forget(unwound);
                result
            }
        )*
    };
}

type Object = *mut PyObject;
type Int = std::ffi::c_int;
#[cfg(not(Py_3_11))]
type State = *mut pyo3::ffi::PyThreadState;

guarded! {
    __wrap_PyDict_Clear = __real_PyDict_Clear(dict: Object);
    __wrap_PyErr_CheckSignals = __real_PyErr_CheckSignals() -> Int;
    __wrap_PyErr_NormalizeException = __real_PyErr_NormalizeException(class: *mut Object, value: *mut Object, trace: *mut Object);
    __wrap_PyErr_PrintEx = __real_PyErr_PrintEx(set: Int);
    __wrap_PyErr_Restore = __real_PyErr_Restore(class: Object, value: Object, trace: Object);
    __wrap_PyErr_SetObject = __real_PyErr_SetObject(class: Object, value: Object);
    __wrap_PyErr_WriteUnraisable = __real_PyErr_WriteUnraisable(at: Object);
    __wrap_PyDict_Contains = __real_PyDict_Contains(dict: Object, key: Object) -> Int;
    __wrap_PyDict_GetItemWithError = __real_PyDict_GetItemWithError(dict: Object, key: Object) -> Object;
    __wrap_PyFloat_AsDouble = __real_PyFloat_AsDouble(object: Object) -> f64;
    __wrap_PyFrozenSet_New = __real_PyFrozenSet_New(items: Object) -> Object;
    __wrap_PyImport_Import = __real_PyImport_Import(name: Object) -> Object;
    __wrap_PyIter_Next = __real_PyIter_Next(iterator: Object) -> Object;
    __wrap_PyNumber_Index = __real_PyNumber_Index(object: Object) -> Object;
    __wrap_PyOS_FSPath = __real_PyOS_FSPath(path: Object) -> Object;
    __wrap_PyObject_Call = __real_PyObject_Call(function: Object, args: Object, kwargs: Object) -> Object;
    __wrap_PyObject_CallNoArgs = __real_PyObject_CallNoArgs(function: Object) -> Object;
    __wrap_PyObject_ClearWeakRefs = __real_PyObject_ClearWeakRefs(object: Object);
    __wrap_PyObject_DelItem = __real_PyObject_DelItem(object: Object, key: Object) -> Int;
    __wrap_PyObject_GetAttr = __real_PyObject_GetAttr(object: Object, name: Object) -> Object;
    __wrap_PyObject_GetItem = __real_PyObject_GetItem(object: Object, key: Object) -> Object;
    __wrap_PyObject_GetIter = __real_PyObject_GetIter(object: Object) -> Object;
    __wrap_PyObject_IsInstance = __real_PyObject_IsInstance(object: Object, class: Object) -> Int;
    __wrap_PyObject_IsTrue = __real_PyObject_IsTrue(object: Object) -> Int;
    __wrap_PyObject_LengthHint = __real_PyObject_LengthHint(object: Object, default: Py_ssize_t) -> Py_ssize_t;
    __wrap_PyObject_Repr = __real_PyObject_Repr(object: Object) -> Object;
    __wrap_PyObject_RichCompare = __real_PyObject_RichCompare(one: Object, other: Object, how: Int) -> Object;
    __wrap_PyObject_SetAttr = __real_PyObject_SetAttr(object: Object, name: Object, value: Object) -> Int;
    __wrap_PyObject_SetItem = __real_PyObject_SetItem(object: Object, key: Object, value: Object) -> Int;
    __wrap_PyObject_Size = __real_PyObject_Size(object: Object) -> Py_ssize_t;
    __wrap_PyObject_Str = __real_PyObject_Str(object: Object) -> Object;
    __wrap_PyObject_VectorcallDict = __real_PyObject_VectorcallDict(function: Object, args: *const Object, count: usize, kwargs: Object) -> Object;
    __wrap_PyObject_VectorcallMethod = __real_PyObject_VectorcallMethod(name: Object, args: *const Object, count: usize, names: Object) -> Object;
    __wrap_PySet_Add = __real_PySet_Add(set: Object, item: Object) -> Int;
    __wrap__Py_Dealloc = __real__Py_Dealloc(object: Object);
}

// Up to 3.10 it is a function of the headers, which PyO3 writes in Rust: see `vectorcall`.
#[cfg(Py_3_11)]
guarded! {
    __wrap_PyObject_Vectorcall = __real_PyObject_Vectorcall(function: Object, args: *const Object, count: usize, names: Object) -> Object;
}

// One argument: the same up to 3.11. PyO3's `call1` reaches it, so it is not used here
// (`clippy.toml`).
#[cfg(Py_3_12)]
guarded! {
    __wrap_PyErr_SetRaisedException = __real_PyErr_SetRaisedException(error: Object);
    __wrap_PyObject_CallOneArg = __real_PyObject_CallOneArg(function: Object, arg: Object) -> Object;
}

#[cfg(Py_3_13)]
guarded! {
    __wrap_PyDict_GetItemRef = __real_PyDict_GetItemRef(dict: Object, key: Object, found: *mut Object) -> Int;
    __wrap_PyObject_GetOptionalAttr = __real_PyObject_GetOptionalAttr(object: Object, name: Object, found: *mut Object) -> Int;
    __wrap_PyObject_HasAttrWithError = __real_PyObject_HasAttrWithError(object: Object, name: Object) -> Int;
}

#[cfg(not(Py_3_11))]
unsafe extern "C-unwind" {
    fn _PyObject_MakeTpCall(
        state: State,
        function: Object,
        args: *const Object,
        count: Py_ssize_t,
        names: Object,
    ) -> Object;
    fn _Py_CheckFunctionResult(
        state: State,
        function: Object,
        result: Object,
        place: *const std::ffi::c_char,
    ) -> Object;
}

/// Calls a function as `PyObject_Vectorcall` does, behind a guard.
///
/// # Safety
/// As for `PyObject_Vectorcall`.
#[cfg(not(Py_3_11))]
pub unsafe fn vectorcall(
    function: Object,
    args: *const Object,
    count: usize,
    names: Object,
) -> Object {
    use pyo3::ffi::{PyThreadState_Get, PyVectorcall_Function, PyVectorcall_NARGS, vectorcallfunc};

    type Slot = unsafe extern "C-unwind" fn(Object, *const Object, usize, Object) -> Object;
    let unwound = SleepsForEver;
    // SAFETY: the caller keeps the contract; these are the steps of the function in the headers of
    // 3.10. A slot may unwind, whatever its type in PyO3 says, and both types are called alike.
    let result = unsafe {
        let state = PyThreadState_Get();
        if let Some(slot) = PyVectorcall_Function(function) {
            let slot = std::mem::transmute::<vectorcallfunc, Slot>(slot);
            let result = slot(function, args, count, names);
            _Py_CheckFunctionResult(state, function, result, std::ptr::null())
        } else {
            _PyObject_MakeTpCall(state, function, args, PyVectorcall_NARGS(count), names)
        }
    };
    std::mem::forget(unwound);
    result
}

/// Defines functions that are guarded where they are called by these names, and not elsewhere: hits
/// call them with objects that run no code of Python, and a guard costs a few instructions.
macro_rules! guarded_here {
    ($($name:ident = $real:ident($($arg:ident: $type:ty),*) -> $result:ty;)*) => {
        $(
            /// Calls the function of the interpreter, behind a guard.
            ///
            /// # Safety
            /// As for that function.
            pub unsafe fn $name($($arg: $type),*) -> $result {
                type Declared = unsafe extern "C" fn($($type),*) -> $result;
                type Real = unsafe extern "C-unwind" fn($($type),*) -> $result;
                let unwound = SleepsForEver;
                // The compiler must not see which function it is, or it trusts its declaration.
                let declared = std::hint::black_box(pyo3::ffi::$real as Declared);
                // SAFETY: it may unwind, whatever its declaration says, and both types are called
                // alike; the caller keeps the contract of the function.
                let result =
                    unsafe { std::mem::transmute::<Declared, Real>(declared)($($arg),*) };
                std::mem::forget(unwound);
                result
            }
        )*
    };
}

guarded_here! {
    hash = PyObject_Hash(object: Object) -> pyo3::ffi::Py_hash_t;
    set_item = PyDict_SetItem(dict: Object, key: Object, value: Object) -> Int;
}
