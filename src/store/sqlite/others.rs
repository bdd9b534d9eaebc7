//! The other processes that use a database: what they did, and what they compute.

use super::changes;
use super::database::Database;
use crate::store::fs::{Taken, is_lost};
use crate::store::{ExternalChange, KeyLock};

impl Database {
    /// What others did since the last call.
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
            // Who wrote meanwhile has read the same, and more.
            Some(_) if state.seen != seen => {}
            Some((news, last)) => {
                state.pending.extend(news);
                state.seen = last;
            }
            // What was announced is not announced again.
            None if state.opened.is_some() => {
                state.pending.push(ExternalChange::Outdated(None));
            }
            None => {}
        }
    }

    /// Joins the processes that write, so that this one sees what they announce.
    pub fn join(&self) {
        if !self.state.lock().only_reads {
            // Where nothing may be written it does without, and nobody is told.
            let _ = self.locks.try_join(&self.folder);
        }
    }

    /// Tries to take `key` for this process alone.
    pub fn lock_key(&self, key: &[u8]) -> KeyLock {
        let lock = match self.locks.try_join(&self.folder) {
            Ok(Some(lock)) => lock,
            // Who clears up is done in a moment: as if it computed the key.
            Ok(None) if !self.joining.is_stuck(true) => return KeyLock::Busy,
            Ok(None) => return KeyLock::Unsupported,
            Err(error) => {
                self.folder.tell_unwritable(&error);
                return KeyLock::Unsupported;
            }
        };
        self.joining.is_stuck(false);
        let taken = match lock.take_key(key) {
            // The program closed it: it is made anew.
            Err(error) if is_lost(&error) => match self.locks.rejoin(&self.folder) {
                Ok(Some(lock)) => lock.take_key(key),
                _ => Err(error),
            },
            taken => taken,
        };
        match taken {
            Ok((Taken::Yes, Some(guard))) => KeyLock::Held(guard),
            Ok((Taken::Busy, _)) => KeyLock::Busy,
            Ok(_) | Err(_) => KeyLock::Unsupported,
        }
    }
}
