//! Signals: who waits for a server's reply is not interrupted by one.
//!
//! A read that waits at most for some time is never taken up again by the system after a signal that
//! the program handles (`SIGALRM`, `SIGCHLD`, `SIGINT`, a profiler's), whatever the program asked for.
//! The client then believes that a reply is still to come and skips the next one, so the connection
//! is of no use any more, and the server seemed to be away.

#[cfg(unix)]
use nix::sys::signal::{SigSet, SigmaskHow, Signal};

/// As long as it lives, signals of this thread wait, or other threads take them. Those that say that
/// the thread itself went wrong do not.
#[derive(Debug)]
pub struct Undisturbed {
    /// The signals that waited before.
    #[cfg(unix)]
    before: Option<SigSet>,
}

#[cfg(unix)]
impl Undisturbed {
    /// From now on.
    pub fn begin() -> Self {
        let mut all = SigSet::all();
        let own = [
            Signal::SIGABRT,
            Signal::SIGBUS,
            Signal::SIGFPE,
            Signal::SIGILL,
            Signal::SIGSEGV,
            Signal::SIGSYS,
            Signal::SIGTRAP,
        ];
        for signal in own {
            all.remove(signal);
        }
        Self { before: all.thread_swap_mask(SigmaskHow::SIG_BLOCK).ok() }
    }
}

#[cfg(unix)]
impl Drop for Undisturbed {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            // It was in force before, so it is a good one.
            let _ = before.thread_set_mask();
        }
    }
}

#[cfg(not(unix))]
impl Undisturbed {
    /// Nothing interrupts a read here.
    pub fn begin() -> Self {
        Self {}
    }
}
