//! Wall clocks: seconds since the epoch, or whole nanoseconds where that is cheaper.

use crate::stepping;

/// Returns the exact time now.
pub fn now() -> f64 {
    stepping::since_epoch().as_secs_f64()
}

/// Returns nanoseconds since the epoch; times that do not fit, infinity included, become the
/// largest number.
#[expect(clippy::cast_possible_truncation, reason = "such a cast ends at the largest number")]
pub fn nanoseconds(seconds: f64) -> i64 {
    (seconds * 1e9) as i64
}

/// The most that `coarse` can be late, in nanoseconds: two ticks of the slowest timer.
pub const LATEST: i64 = 20_000_000;

/// Returns the time now in nanoseconds, accurate to some milliseconds, for a tenth of the price:
/// what a hit can afford.
#[cfg(target_os = "linux")]
#[inline]
pub fn coarse() -> i64 {
    use nix::time::{ClockId, clock_gettime};
    match clock_gettime(ClockId::CLOCK_REALTIME_COARSE) {
        // NOTE: whole numbers only, as a division would cost as much as the clock.
        Ok(time) => {
            wide(time.tv_sec()).wrapping_mul(1_000_000_000).wrapping_add(wide(time.tv_nsec()))
        }
        Err(_) => nanoseconds(now()),
    }
}

/// Widens a number of the system's, which has 32 bits on some.
#[cfg(target_os = "linux")]
fn wide<N: Into<i64>>(number: N) -> i64 {
    number.into()
}

/// Returns the time now; this system has no cheaper clock.
#[cfg(not(target_os = "linux"))]
pub fn coarse() -> i64 {
    nanoseconds(now())
}
