//! Functions that only Python has: `outlive._callbacks`, handed over once when the package is
//! imported.

use pyo3::exceptions::PyBaseException;
use pyo3::exceptions::PyImportError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDict, PyString, PyTuple, PyType};

use super::on_demand;
use crate::py::ffi::{call_with, is_main_interpreter};
use crate::py::value::once::intern;

static CALLBACKS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
/// `sys.modules`, taken while imports work: destructors call functions when imports no longer do.
static MODULES: PyOnceLock<Py<PyDict>> = PyOnceLock::new();

/// Takes the callbacks; those of the first call stay. Raises `ImportError` in a sub-interpreter:
/// objects of one interpreter must not reach another, and a cache holds objects of all its callers.
#[pyfunction]
pub fn hand_over(callbacks: Bound<'_, PyAny>) -> PyResult<()> {
    let py = callbacks.py();
    if !is_main_interpreter(py) {
        return Err(PyImportError::new_err(
            "outlive works in the main interpreter only, and this is a sub-interpreter (mod_wsgi: \
             set WSGIApplicationGroup %{GLOBAL}; otherwise use a process of its own)",
        ));
    }
    let modules = py.import(intern!(py, "sys"))?.getattr(intern!(py, "modules"))?;
    let _ = MODULES.set(py, modules.cast_into::<PyDict>()?.unbind());
    let _ = CALLBACKS.set(py, callbacks.unbind());
    Ok(())
}

/// Call before Python code of ours that imports on demand: a thread's stack may be too small for
/// that.
pub fn prepare(py: Python<'_>) {
    on_demand::prepare(py, import_all);
}

fn import_all(py: Python<'_>) -> PyResult<()> {
    CALLBACKS.get(py).map_or(Ok(()), |callbacks| {
        callbacks.bind(py).call_method0(intern!(py, "import_all")).map(drop)
    })
}

/// Returns whether the program has imported a module.
pub fn is_imported(name: &Bound<'_, PyString>) -> PyResult<bool> {
    let py = name.py();
    MODULES.get(py).map_or(Ok(false), |modules| modules.bind(py).contains(name))
}

/// Returns the tag and the payload of a value of the standard library's own types; None for any
/// other.
pub fn pack<'py>(value: &Bound<'py, PyAny>) -> PyResult<Option<(String, Bound<'py, PyAny>)>> {
    let py = value.py();
    call(intern!(py, "pack"), (value,))?.extract()
}

/// Returns the value that `pack` took apart; raises `ValueError` for an impossible payload.
pub fn unpack<'py>(tag: &str, payload: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    call(intern!(payload.py(), "unpack"), (tag, payload))
}

/// Returns the key and the payload of an instance of a class; or None, a description, and advice,
/// if it is not to be stored. `owner` knows the classes; the call was `given` some.
pub fn dump<'py>(
    owner: Bound<'py, PyAny>,
    given: Bound<'py, PyAny>,
    value: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    call(intern!(value.py(), "dump"), (owner, given, value))
}

/// Does what `dump` does for the whole result of a function with `dump=` and `load=`.
pub fn dump_all<'py>(
    owner: Bound<'py, PyAny>,
    result: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    call(intern!(result.py(), "dump_all"), (owner, result))
}

/// Returns a value as `json.dumps` writes it; raises `TypeError` if that does not.
pub fn plain<'py>(value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    call(intern!(value.py(), "plain"), (value,))
}

/// Returns the value that `dump` took apart; raises an `Exception` that says why that is
/// impossible.
pub fn load<'py>(
    owner: Bound<'py, PyAny>,
    given: Bound<'py, PyAny>,
    name: &str,
    payload: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    call(intern!(payload.py(), "load"), (owner, given, name, payload))
}

/// Warns that the value of `key` could not be put together, and why.
pub fn tell_class<'py>(
    owner: Bound<'py, PyAny>,
    key: &str,
    error: &Bound<'py, PyBaseException>,
) -> PyResult<()> {
    call(intern!(error.py(), "tell_class"), (owner, key, error)).map(drop)
}

/// Returns how instances of a class are copied; None for an unknown class.
pub fn shape<'py>(class: &Bound<'py, PyType>) -> PyResult<Bound<'py, PyAny>> {
    call(intern!(class.py(), "shape"), (class,))
}

/// Returns the int of any number of decimal digits.
pub fn long_int<'py>(py: Python<'py>, digits: &str) -> PyResult<Bound<'py, PyAny>> {
    call(intern!(py, "long_int"), (digits,))
}

/// Returns the kind of an argument, and what distinguishes it in that kind; None if it is unknown.
pub fn describe<'py>(value: &Bound<'py, PyAny>) -> PyResult<Option<(String, Bound<'py, PyAny>)>> {
    call(intern!(value.py(), "describe"), (value,))?.extract()
}

/// Returns a digest of the shape of a class that its name may not lead to, else "".
pub fn class_mark(class: &Bound<'_, PyType>) -> PyResult<String> {
    call(intern!(class.py(), "class_mark"), (class,))?.extract()
}

/// Returns a digest of a class whose name leads to another class or to none, else "".
pub fn namesake_mark(class: &Bound<'_, PyType>) -> PyResult<String> {
    call(intern!(class.py(), "namesake_mark"), (class,))?.extract()
}

/// Returns what to do with an argument that has no key.
pub fn key_advice(value: &Bound<'_, PyAny>, name: &str) -> PyResult<String> {
    call(intern!(value.py(), "key_advice"), (value, name))?.extract()
}

/// Returns a digest of many bytes.
pub fn digest(data: &Bound<'_, PyBytes>) -> PyResult<String> {
    call(intern!(data.py(), "digest"), (data,))?.extract()
}

/// Returns the name under which the module of a class is imported, even while it runs as a program.
pub fn module_name<'py>(class: &Bound<'py, PyType>) -> PyResult<Bound<'py, PyAny>> {
    call(intern!(class.py(), "module_name"), (class,))
}

/// Raises `ValueError` if the file of a frozen cache does not match its digest.
pub fn check_frozen(core: &Bound<'_, PyAny>) -> PyResult<()> {
    call(intern!(core.py(), "check_frozen"), (core,)).map(drop)
}

/// Returns whether calls are logged; to be asked once the program has imported `logging`.
pub fn is_logging(py: Python<'_>) -> PyResult<bool> {
    call(intern!(py, "is_logging"), ())?.is_truthy()
}

/// Returns what the running pickler stores for a memoised function.
pub fn reduce<'py>(memoised: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    call(intern!(memoised.py(), "reduce"), (memoised,))
}

/// Notes that a call begins, and the key of the older result that it is to replace.
pub fn enter_call<'py>(
    core: &Bound<'py, PyAny>,
    key: Option<&Bound<'py, PyString>>,
) -> PyResult<Bound<'py, PyAny>> {
    call(intern!(core.py(), "enter_call"), (core, key))
}

/// Undoes `enter_call`.
pub fn leave_call(token: &Bound<'_, PyAny>) -> PyResult<()> {
    call(intern!(token.py(), "leave_call"), (token,)).map(drop)
}

/// Returns Python's identifier of this thread.
pub fn thread_identifier(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    call(intern!(py, "thread_identifier"), ())
}

/// Returns the user's name of the thread with this identifier.
pub fn thread_name(py: Python<'_>, identifier: u64) -> PyResult<Bound<'_, PyAny>> {
    call(intern!(py, "thread_name"), (identifier,))
}

/// Returns the number of the running greenlet, `fresh` if it has none; None if it has no hub to
/// wait through.
pub fn greenlet_number(py: Python<'_>, fresh: u64) -> PyResult<Option<u64>> {
    call(intern!(py, "greenlet_number"), (fresh,))?.extract()
}

/// Lets the other greenlets of this thread run for this many seconds.
pub fn greenlet_sleep(py: Python<'_>, seconds: f64) -> PyResult<()> {
    call(intern!(py, "greenlet_sleep"), (seconds,)).map(drop)
}

/// Returns the exception for a miss in mode "offline"; all keys of the function begin with `start`.
pub fn cache_miss<'py>(
    core: &Bound<'py, PyAny>,
    function: &str,
    start: &Bound<'py, PyString>,
    key: &Bound<'py, PyString>,
) -> PyResult<Bound<'py, PyAny>> {
    call(intern!(key.py(), "cache_miss"), (core, function, start, key))
}

/// The exception for a store that cannot be used.
pub fn store_error<'py>(py: Python<'py>, why: &str) -> PyResult<Bound<'py, PyAny>> {
    call(intern!(py, "store_error"), (why,))
}

fn call<'py, A>(name: &Bound<'py, PyString>, args: A) -> PyResult<Bound<'py, PyAny>>
where
    A: IntoPyObject<'py, Target = PyTuple, Output = Bound<'py, PyTuple>, Error: Into<PyErr>>,
{
    let missing = || PyImportError::new_err("outlive._core is part of outlive: import that");
    let callbacks = CALLBACKS.get(name.py()).ok_or_else(missing)?;
    prepare(name.py());
    call_with(&callbacks.bind(name.py()).getattr(name)?, args)
}
