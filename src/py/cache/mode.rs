//! What calls do with a cache: on, off, refresh, offline, readonly.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// What calls do with the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Hits are served, misses computed and kept.
    On,
    /// Calls go straight through; no file is touched.
    Off,
    /// Everything is computed anew and kept.
    Refresh,
    /// Hits are served, a miss raises `CacheMiss`.
    Offline,
    /// Hits are served, misses computed but kept in this process only.
    Readonly,
}

impl Mode {
    /// From the word that users write.
    pub fn from_word(word: &str) -> PyResult<Self> {
        Ok(match word {
            "on" => Self::On,
            "off" => Self::Off,
            "refresh" => Self::Refresh,
            "offline" => Self::Offline,
            "readonly" => Self::Readonly,
            _ => return Err(PyValueError::new_err(format!("no such mode: {word:?}"))),
        })
    }

    /// Whether hits may be served without looking at the mode.
    pub fn serves_hits(self) -> bool {
        !matches!(self, Self::Off | Self::Refresh)
    }

    /// Whether what is made is written to the file.
    pub fn writes(self) -> bool {
        matches!(self, Self::On | Self::Refresh)
    }

    /// From the number of its variant.
    pub fn from_number(number: u8) -> Self {
        [Self::On, Self::Off, Self::Refresh, Self::Offline, Self::Readonly][usize::from(number)]
    }
}
