//! The cache as Python sees it.

pub mod away;
mod bringing;
pub mod copying;
pub mod core;
pub mod deferred;
mod distant;
pub mod entries;
pub mod errands;
pub mod facts;
pub mod file;
pub mod fork;
pub mod limits;
pub mod mode;
pub mod notifier;
mod parts;
pub mod registry;
mod remote;
pub mod salt;
mod saving;
pub mod values;
pub mod watchers;

use std::sync::Arc;

use pyo3::PyErr;

use super::value::template::Template;
use crate::cache::{Cache, Entry, Found, Lease, Led, Miss, SharedResult, StaleResult};

/// A cache whose decoded forms and failures are Python objects.
pub type PyCache = Cache<Arc<Template>, Arc<PyErr>>;

/// What a leader hands to those who wait.
pub type PySharedResult = SharedResult<Arc<Template>, Arc<PyErr>>;

/// The right to compute a key.
pub type PyLease = Lease<Arc<Template>, Arc<PyErr>>;

/// What to do for a key without a result.
pub type PyMiss = Miss<Arc<Template>, Arc<PyErr>>;
/// What came of a look that began a miss.
pub type PyLed = Led<Arc<Template>, Arc<PyErr>>;

/// What is known of a result that has expired.
pub type PyStaleResult = StaleResult<Arc<Template>>;

/// A result with what is known of it.
pub type PyEntry = Entry<Arc<Template>>;

/// An entry that was found.
pub type PyFound = Found<Arc<Template>>;
