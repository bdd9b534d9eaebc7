//! The way to the maintenance thread.

use std::sync::mpsc::{Sender, sync_channel};
use std::time::Duration;

use super::breaker::Breaker;
use super::leases::Task;
use crate::sync::{Mutex, rank};

/// The way to the maintenance thread.
#[derive(Default)]
pub struct Keeping {
    pub(super) sender: Mutex<Option<Sender<Task>>, { rank::LEAF }>,
    /// Whether the server takes nothing although it answers.
    pub(super) full: Mutex<Breaker, { rank::LEAF }>,
}

impl Keeping {
    /// Used in the child of a fork, which has no such thread.
    pub fn forget(&self) {
        // NOTE: another thread may have been using it when the child was made.
        std::mem::forget(self.sender.lock().take());
    }

    /// Ends the thread, and waits up to `patience` for its remaining work.
    pub fn end(&self, patience: Duration) {
        let sender = self.sender.lock().take();
        let (ended, end) = sync_channel(1);
        if sender.is_some_and(|sender| sender.send(Task::End(ended)).is_ok()) {
            // If it takes longer, it finishes without anybody waiting.
            let _ = end.recv_timeout(patience);
        }
    }
}
