//! A cache without a file: nothing is kept beyond the process.

use super::{Cause, Change, ExternalChange, Loaded, Store};
use crate::error::Result;

/// The store of a cache that exists in memory alone. Every change is accepted and forgotten.
#[derive(Clone, Copy, Debug, Default)]
pub struct MemoryStore;

impl Store for MemoryStore {
    fn load(&self) -> Loaded {
        Loaded::default()
    }

    fn external_changes(&self) -> Vec<ExternalChange> {
        Vec::new()
    }

    fn keeps(&self) -> bool {
        false
    }

    fn append_as(&self, _: Change, _: Cause) -> Result<bool> {
        Ok(true)
    }

    fn quarantine(&self, _: &str) {}

    fn close(&self) {}

    fn notices(&self) -> Vec<String> {
        Vec::new()
    }

    fn after_fork(&self) {}
}
