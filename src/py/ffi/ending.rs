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

guarded! {
    __wrap_PyErr_CheckSignals = __real_PyErr_CheckSignals() -> Int;
    __wrap_PyErr_NormalizeException = __real_PyErr_NormalizeException(class: *mut Object, value: *mut Object, trace: *mut Object);
    __wrap_PyErr_PrintEx = __real_PyErr_PrintEx(set: Int);
    __wrap_PyErr_WriteUnraisable = __real_PyErr_WriteUnraisable(at: Object);
    __wrap_PyDict_Contains = __real_PyDict_Contains(dict: Object, key: Object) -> Int;
    __wrap_PyDict_GetItemWithError = __real_PyDict_GetItemWithError(dict: Object, key: Object) -> Object;
    __wrap_PyFrozenSet_New = __real_PyFrozenSet_New(items: Object) -> Object;
    __wrap_PyImport_Import = __real_PyImport_Import(name: Object) -> Object;
    __wrap_PyIter_Next = __real_PyIter_Next(iterator: Object) -> Object;
    __wrap_PyNumber_Index = __real_PyNumber_Index(object: Object) -> Object;
    __wrap_PyOS_FSPath = __real_PyOS_FSPath(path: Object) -> Object;
    __wrap_PyObject_Call = __real_PyObject_Call(function: Object, args: Object, kwargs: Object) -> Object;
    __wrap_PyObject_CallNoArgs = __real_PyObject_CallNoArgs(function: Object) -> Object;
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
    __wrap__Py_Dealloc = __real__Py_Dealloc(object: Object);
}

// Up to 3.10 it is a function of the headers, which pyo3 writes in Rust.
#[cfg(Py_3_11)]
guarded! {
    __wrap_PyObject_Vectorcall = __real_PyObject_Vectorcall(function: Object, args: *const Object, count: usize, names: Object) -> Object;
}
