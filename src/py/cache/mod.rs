//! The cache as Python sees it.

pub mod core;
pub mod entries;
pub mod fork;
mod mapping;
pub mod mode;
mod registry;
mod salt;

use std::sync::Arc;

use pyo3::PyErr;

use super::value::template::Template;
use crate::cache::{Cache, SharedResult};

/// A cache whose decoded forms and failures are Python objects.
pub type PyCache = Cache<Arc<Template>, Arc<PyErr>>;

/// What a leader hands to those who wait.
pub type PySharedResult = SharedResult<Arc<Template>, Arc<PyErr>>;
