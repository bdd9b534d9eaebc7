//! What calls do with a cache: on, off, refresh, offline, readonly, frozen.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// What calls do with the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Hits are served, misses computed and kept.
    On,
    /// Calls bypass the cache; no file is touched.
    Off,
    /// Everything is computed anew and kept.
    Refresh,
    /// Hits are served, a miss raises `CacheMiss`.
    Offline,
    /// Hits are served, misses computed but kept in this process only.
    Readonly,
    /// A file that must match its digest: hits are served at any age, a miss raises `CacheMiss`.
    Frozen,
}

impl Mode {
    /// All modes, in the order of their numbers, and the words that users write.
    pub const ALL: [(Self, &'static str); 6] = [
        (Self::On, "on"),
        (Self::Off, "off"),
        (Self::Refresh, "refresh"),
        (Self::Offline, "offline"),
        (Self::Readonly, "readonly"),
        (Self::Frozen, "frozen"),
    ];

    /// Reads the word that users write.
    pub fn from_word(word: &str) -> PyResult<Self> {
        let found = Self::ALL.into_iter().find(|(_, known)| *known == word);
        let refused = || PyValueError::new_err(format!("no such mode: {word:?}"));
        found.map(|(mode, _)| mode).ok_or_else(refused)
    }

    /// Returns the word that users write.
    pub fn word(self) -> &'static str {
        Self::ALL[self as usize].1
    }

    /// Returns whether a table of hits may answer.
    pub fn serves_hits(self) -> bool {
        !matches!(self, Self::Off | Self::Refresh)
    }

    /// Returns whether the file may be written at all.
    pub fn lets_write(self) -> bool {
        !matches!(self, Self::Off | Self::Readonly | Self::Frozen)
    }

    /// Returns whether missing results are computed.
    pub fn computes(self) -> bool {
        !matches!(self, Self::Offline | Self::Frozen)
    }

    /// Returns whether computed results are written to the file.
    pub fn writes(self) -> bool {
        matches!(self, Self::On | Self::Refresh)
    }

    /// Returns the mode with the number of its variant.
    pub fn from_number(number: u8) -> Self {
        Self::ALL[usize::from(number)].0
    }
}
