//! Wall clocks: seconds since the epoch.

use std::time::{SystemTime, UNIX_EPOCH};

/// Now, exactly.
pub fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

/// Now, to some milliseconds, for a tenth of the price: what a hit can afford.
#[cfg(target_os = "linux")]
pub fn coarse() -> f64 {
    use nix::time::{ClockId, clock_gettime};
    let time = clock_gettime(ClockId::CLOCK_REALTIME_COARSE);
    time.map_or_else(|_| now(), |time| std::time::Duration::from(time).as_secs_f64())
}

/// Now; this system has no cheaper clock.
#[cfg(not(target_os = "linux"))]
pub fn coarse() -> f64 {
    now()
}
