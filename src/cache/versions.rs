//! Whether what a store on another machine answered may still be kept in memory.
//!
//! Such a store is asked while no lock is held, so that one slow answer keeps no other thread
//! waiting. What it answers may be outdated by the time it arrives: another thread of this process
//! changed the key meanwhile, or another process did and that was taken in already. So whoever asks
//! notes a version before, and keeps no copy if it has moved.
//!
//! IMPORTANT: a version moves under the lock of the entries, in the same step as the copies of its
//! keys are dropped, and after the store has taken the change. Then a copy is either made before
//! that step, which drops it, or not at all, or of an answer that has the change.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::store::{ExternalChange, Known, STRIPES, stripe_of};

/// The versions of all keys, by stripes; none where the store is asked under a lock.
#[derive(Debug)]
pub struct Versions(Option<Box<Stripes>>);

#[derive(Debug)]
struct Stripes {
    all: AtomicU64,
    keys: [AtomicU64; STRIPES],
}

/// The version of a key at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version {
    all: u64,
    key: u64,
}

/// The answer of a store that was asked for a key.
#[derive(Debug)]
pub struct Asked {
    /// What there is; `None` if memory had to say.
    pub known: Option<Known>,
    /// The version of the key before the store was asked.
    pub version: Version,
}

impl Versions {
    /// The versions of a cache whose store `is_remote`, or none.
    pub fn new(is_remote: bool) -> Self {
        let stripes =
            || Stripes { all: AtomicU64::new(0), keys: [const { AtomicU64::new(0) }; STRIPES] };
        Self(is_remote.then(|| Box::new(stripes())))
    }

    /// Returns the version of `key`; always the same where there are none.
    pub fn of(&self, key: &[u8]) -> Version {
        let Some(stripes) = &self.0 else { return Version { all: 0, key: 0 } };
        let all = stripes.all.load(Ordering::Acquire);
        Version { all, key: stripes.of(key).load(Ordering::Acquire) }
    }

    /// Moves that of `key`.
    pub fn advance(&self, key: &[u8]) {
        if let Some(stripes) = &self.0 {
            stripes.of(key).fetch_add(1, Ordering::AcqRel);
        }
    }

    /// Moves those of all keys.
    pub fn advance_all(&self) {
        if let Some(stripes) = &self.0 {
            stripes.all.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// Moves those that `changes` of other processes concern.
    pub fn note(&self, changes: &[ExternalChange]) {
        if self.0.is_none() {
            return;
        }
        for change in changes {
            match change {
                ExternalChange::Outdated(Some(key)) => self.advance(key),
                ExternalChange::Change(change) => match change.key() {
                    Some(key) => self.advance(key),
                    None => self.advance_all(),
                },
                ExternalChange::Outdated(None) | ExternalChange::Replaced(_) => self.advance_all(),
                // No entry changes.
                ExternalChange::Purge(_) | ExternalChange::Missed(_) => {}
            }
        }
    }
}

impl Stripes {
    fn of(&self, key: &[u8]) -> &AtomicU64 {
        &self.keys[stripe_of(key)]
    }
}

#[cfg(test)]
mod tests {
    use super::Versions;
    use crate::store::{Change, ExternalChange};
    use bytes::Bytes;

    /// A change moves the version of its key, one of everything those of all.
    #[test]
    fn what_moves() {
        let versions = Versions::new(true);
        let (a, b) = (Bytes::from("a"), Bytes::from("b"));
        let before = (versions.of(&a), versions.of(&b));
        versions.note(&[ExternalChange::Outdated(Some(a.clone()))]);
        assert!(versions.of(&a) != before.0 && versions.of(&b) == before.1);
        versions.note(&[ExternalChange::Change(Change::Clear)]);
        assert_ne!(versions.of(&b), before.1);
    }

    /// Where a store is asked under a lock there is one version.
    #[test]
    fn none_of_files() {
        let versions = Versions::new(false);
        let before = versions.of(b"a");
        versions.advance(b"a");
        versions.advance_all();
        assert_eq!(versions.of(b"a"), before);
    }
}
