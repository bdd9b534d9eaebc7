//! The breaker: a server that does not answer is left alone, and tried once in a while.

use std::time::{Duration, Instant};

/// The first pause before the server is tried again.
const FIRST: Duration = Duration::from_secs(1);
/// The longest one.
const LONGEST: Duration = Duration::from_secs(30);

/// Whether the server may be asked.
#[derive(Debug, Default)]
pub struct Breaker(Option<Outage>);

/// An outage of the server.
#[derive(Clone, Copy, Debug)]
struct Outage {
    since: Instant,
    /// When the server is tried next.
    next: Instant,
    pause: Duration,
}

impl Breaker {
    /// Returns whether the server is to be left alone.
    pub fn is_open(&self) -> bool {
        self.0.is_some()
    }

    /// Notes that the server did not answer; returns whether this is news.
    pub fn trip(&mut self, now: Instant) -> bool {
        let (since, pause) = match self.0 {
            Some(outage) if now < outage.next => return false,
            Some(outage) => (outage.since, (outage.pause * 2).min(LONGEST)),
            None => (now, FIRST),
        };
        let is_news = self.0.is_none();
        self.0 = Some(Outage { since, next: now + pause, pause });
        is_news
    }

    /// Notes that the server answers; returns how long it did not, if it did not.
    pub fn mend(&mut self, now: Instant) -> Option<Duration> {
        self.0.take().map(|outage| now.duration_since(outage.since))
    }

    /// Returns how long until the server should be tried, if it is away.
    pub fn wait(&self, now: Instant) -> Option<Duration> {
        self.0.map(|outage| outage.next.saturating_duration_since(now))
    }
}

#[cfg(test)]
mod tests {
    use super::{Breaker, FIRST, LONGEST};
    use std::time::{Duration, Instant};

    /// An outage is news once, its pauses grow up to a limit, and its end has its length.
    #[test]
    fn outages() {
        let (mut breaker, begun) = (Breaker::default(), Instant::now());
        assert!(breaker.wait(begun).is_none() && breaker.mend(begun).is_none());
        assert!(breaker.trip(begun) && !breaker.trip(begun));
        let (mut now, mut pauses) = (begun, Vec::new());
        for _ in 0..7 {
            let pause = breaker.wait(now).expect("it is open");
            pauses.push(pause);
            now += pause;
            assert!(!breaker.trip(now));
        }
        assert_eq!(pauses[..3], [FIRST, FIRST * 2, FIRST * 4]);
        assert_eq!(pauses[6], LONGEST);
        assert_eq!(breaker.mend(begun + Duration::from_secs(9)), Some(Duration::from_secs(9)));
        assert!(!breaker.is_open() && breaker.trip(now));
    }
}
