//! A cache without a file: nothing is kept beyond the process.

use super::{Cause, Change, ExternalChange, KeyLock, Loaded, Saving, Store};
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

    fn append_as(&self, _: &Change, _: Cause) -> Result<bool> {
        Ok(true)
    }

    fn lock_key(&self, _: &[u8]) -> KeyLock {
        KeyLock::Unsupported
    }

    fn begin_save(&self) -> Result<Option<Box<dyn Saving>>> {
        Ok(None)
    }

    fn begin_close(&self) -> Result<Option<Box<dyn Saving>>> {
        Ok(None)
    }

    fn wants_save(&self) -> bool {
        false
    }

    fn quarantine(&self, _: &str) {}

    fn close(&self) {}

    fn notices(&self) -> Vec<String> {
        Vec::new()
    }

    fn after_fork(&self) {}
}
