//! A value of the process that threads use at any moment, also when they end.

use super::activity::active;
use super::{Mutex, rank};

/// A value that belongs to the whole process. Whoever uses it is inside the cache meanwhile, so that
/// a fork waits: a thread that ends comes here without the interpreter, which would keep a fork away.
#[derive(Debug)]
pub struct OfProcess<T>(Mutex<T, { rank::LEAF }>);

impl<T> OfProcess<T> {
    /// Keeps `value`.
    pub const fn new(value: T) -> Self {
        Self(Mutex::new(value))
    }

    /// Runs `usage` with the value. The thread must not be inside the cache.
    pub fn with<R>(&self, usage: impl FnOnce(&mut T) -> R) -> R {
        let _active = active();
        usage(&mut self.0.lock())
    }
}

#[cfg(test)]
mod tests {
    use super::OfProcess;
    use crate::sync::activity::may_fork;

    /// No thread can fork while another one uses such a value.
    #[test]
    fn a_fork_waits_for_who_uses_it() {
        static VALUE: OfProcess<u32> = OfProcess::new(1);
        let forks = VALUE.with(|value| {
            *value += 1;
            std::thread::spawn(may_fork).join().expect("it does not panic")
        });
        assert!(!forks);
        assert_eq!(VALUE.with(|value| *value), 2);
    }
}
