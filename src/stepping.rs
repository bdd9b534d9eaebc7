//! The one door to the clock, where a simulation takes over.
//!
//! A debug build lets a test install a [`Scheduler`] for a thread. From then on that thread asks it
//! before each lock, waits for locks and sleeps through it, and reads its clock: so a test decides
//! which thread goes on, one at a time, and can repeat a run. A release build holds none of this.

use std::time::{Duration, Instant, SystemTime};

#[cfg(debug_assertions)]
pub(crate) use stepped::scheduler;
#[cfg(debug_assertions)]
pub use stepped::{Scheduler, install, uninstall};

/// Lets `time` pass.
pub fn sleep(time: Duration) {
    #[cfg(debug_assertions)]
    if let Some(scheduler) = scheduler() {
        return scheduler.sleep(time);
    }
    std::thread::sleep(time);
}

/// Returns the time of day.
pub fn now() -> SystemTime {
    #[cfg(debug_assertions)]
    if let Some(scheduler) = scheduler() {
        return SystemTime::UNIX_EPOCH + scheduler.time_of_day();
    }
    SystemTime::now()
}

/// Returns the time since the epoch; zero before it.
#[inline]
pub fn since_epoch() -> Duration {
    #[cfg(all(target_os = "linux", not(debug_assertions)))]
    {
        use nix::time::{ClockId, clock_gettime};
        // std's `SystemTime` is checked three times on its way to a duration.
        if let Ok(time) = clock_gettime(ClockId::CLOCK_REALTIME)
            && let Ok(seconds) = u64::try_from(time.tv_sec())
            && let Ok(nanoseconds) = u32::try_from(time.tv_nsec())
        {
            return Duration::new(seconds, nanoseconds);
        }
    }
    now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

/// Returns the time since some fixed moment.
pub fn instant() -> Instant {
    #[cfg(debug_assertions)]
    if let Some(scheduler) = scheduler() {
        return stepped::origin() + scheduler.elapsed();
    }
    Instant::now()
}

#[cfg(debug_assertions)]
mod stepped {
    use std::cell::RefCell;
    use std::rc::Rc;
    use std::sync::OnceLock;
    use std::time::{Duration, Instant};

    /// Steps the threads of a simulation, one at a time.
    pub trait Scheduler {
        /// Lets other threads run first, if the scheduler chooses to.
        fn step(&self);
        /// Lets other threads run first: this one waits for something that one of them holds.
        fn wait(&self);
        /// Lets `time` pass for this thread.
        fn sleep(&self, time: Duration);
        /// Returns the time since some fixed moment.
        fn elapsed(&self) -> Duration;
        /// The time since the epoch.
        fn time_of_day(&self) -> Duration {
            self.elapsed()
        }
    }

    thread_local! {
        static SCHEDULER: RefCell<Option<Rc<dyn Scheduler>>> = const { RefCell::new(None) };
    }

    /// Lets `scheduler` step this thread from now on.
    pub fn install(scheduler: Rc<dyn Scheduler>) {
        SCHEDULER.with_borrow_mut(|place| *place = Some(scheduler));
    }

    /// Lets this thread run by itself again.
    pub fn uninstall() {
        SCHEDULER.with_borrow_mut(|place| *place = None);
    }

    /// Returns the scheduler of this thread, if there is one.
    pub(crate) fn scheduler() -> Option<Rc<dyn Scheduler>> {
        SCHEDULER.try_with(|place| place.borrow().clone()).ok().flatten()
    }

    /// Returns the moment that simulated time is counted from: an [`Instant`] cannot be made from a
    /// number.
    pub(super) fn origin() -> Instant {
        static ORIGIN: OnceLock<Instant> = OnceLock::new();
        *ORIGIN.get_or_init(Instant::now)
    }
}
