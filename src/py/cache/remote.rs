//! Caches on a server.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::store::Store;

/// The store that `url` names, and how messages show the URL.
#[cfg(feature = "redis")]
pub fn server(url: &str) -> PyResult<(Box<dyn Store>, String)> {
    let address = crate::store::Address::parse(url).map_err(PyValueError::new_err)?;
    let shown = address.shown.clone();
    Ok((Box::new(crate::store::RedisStore::new(address)), shown))
}

/// There are none here.
#[cfg(not(feature = "redis"))]
pub fn server(_: &str) -> PyResult<(Box<dyn Store>, String)> {
    Err(PyValueError::new_err(
        "that is the URL of a server, and this build of outlive is one without Redis and Valkey",
    ))
}
