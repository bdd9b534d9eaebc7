//! The other processes that use a database: what they changed, and what they compute.

use super::changes;
use super::database::Database;
use crate::store::{ExternalChange, KeyLock};

impl Database {
    /// Returns what others did since the last call.
    pub fn external_changes(&self) -> Vec<ExternalChange> {
        let announced = self.locks.has_announcements(&self.folder);
        if announced || self.locks.mapped_page().is_none() {
            self.read_news();
        }
        std::mem::take(&mut self.state.lock().pending)
    }

    fn read_news(&self) {
        let (seen, writer) = {
            let state = self.state.lock();
            (state.seen, state.writer)
        };
        let news = self.read(|connection| changes::news(connection, seen, writer));
        let mut state = self.state.lock();
        match news {
            // A thread that wrote meanwhile has read the same, and more.
            Some(_) if state.seen != seen => {}
            Some((news, last)) => {
                state.pending.extend(news);
                state.seen = last;
            }
            // What was announced once is not announced again.
            None if state.opened.is_some() => {
                state.pending.push(ExternalChange::Outdated(None));
            }
            None => {}
        }
    }

    /// Joins the processes that write, so that this one sees what they announce.
    pub fn join(&self) {
        if !self.state.lock().only_reads {
            // Where nothing may be written, it does without and reports nothing.
            let _ = self.locks.try_join(&self.folder);
        }
    }

    /// Tries to lock `key` for this process alone.
    pub fn lock_key(&self, key: &[u8], is_deep: &dyn Fn() -> bool) -> KeyLock {
        self.locks.take_key(&self.folder, key, is_deep)
    }
}
