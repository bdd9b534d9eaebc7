//! The freshness of results.

/// The limits of a result's age, in seconds; `None`: no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Expiry {
    /// The age from which a result is expired.
    pub ttl: Option<f64>,
    /// The age from which a result is served and refreshed in the background.
    pub refresh_after: Option<f64>,
    /// How long after `ttl` an expired result is still served if the computation fails.
    pub stale_if_error: Option<f64>,
}

/// What to do with a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// Serve it.
    Fresh,
    /// Serve it, and refresh it in the background.
    Refresh,
    /// Compute.
    Expired {
        /// Whether it may be served if computing fails.
        servable_on_error: bool,
    },
}

/// How many seconds every expired result is kept at least.
const A_DAY: f64 = 86_400.0;

impl Expiry {
    /// Returns the age from which no call can use a result: it has been expired, even for failures,
    /// for another ttl and for a day. None if it never expires.
    pub fn lifetime(&self) -> Option<f64> {
        self.ttl.map(|ttl| ttl + self.stale_if_error.unwrap_or(0.0) + ttl.max(A_DAY))
    }

    /// Judges a result that was made at `created`, or, if that is unknown, when its file was last
    /// `modified`. All times are seconds since the epoch.
    ///
    /// A result from the future, left by a wall clock that was set back, counts as old as the time
    /// it is ahead. So it is kept if the clock moved by less than the limit, is dropped if by more,
    /// and never outlives twice its `ttl`. A time that is not a number is older than any limit.
    pub fn judge(&self, created: Option<f64>, modified: f64, now: f64) -> Freshness {
        let age = (now - created.unwrap_or(modified)).abs();
        let younger = |limit: f64| age < limit;
        if self.ttl.is_some_and(|ttl| !younger(ttl)) {
            let grace = self.ttl.zip(self.stale_if_error).map(|(ttl, grace)| ttl + grace);
            return Freshness::Expired { servable_on_error: grace.is_some_and(younger) };
        }
        if self.refresh_after.is_some_and(|limit| !younger(limit)) {
            return Freshness::Refresh;
        }
        Freshness::Fresh
    }
}
