//! The differences between systems.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

use std::fs::Metadata;
use std::time::UNIX_EPOCH;

#[cfg(unix)]
pub use unix::*;
#[cfg(windows)]
pub use windows::*;

/// Returns nanoseconds since the epoch; 0 for earlier times.
fn nanoseconds(data: &Metadata) -> u64 {
    let since = data.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    since.and_then(|since| u64::try_from(since.as_nanos()).ok()).unwrap_or_default()
}
