//! The end of a server's use.

use std::sync::atomic::Ordering;

use redis::cmd;

use super::failure::{Failure, sound};
use super::server::Server;

/// How many changes are written one by one before the server is left.
const LAST: usize = 1000;

impl Server {
    /// Writes what waits, if the server takes it, releases keys, and leaves. The next use opens it
    /// again.
    pub fn close(&self) {
        if !std::mem::replace(&mut self.state.lock().is_open, false) {
            return;
        }
        self.look_again();
        self.write_last();
        self.listening.end();
        self.keeping.end(self.address.timeout * 2);
        self.news.is_complete.store(false, Ordering::Release);
        self.pool.close();
        let left = self.state.lock().backlog.oldest(LAST).1.len();
        if left > 0 {
            self.notices.lock().left_behind(left);
        }
    }

    /// Asks a server that is left alone once more: what waits for it might be lost.
    fn look_again(&self) {
        if self.is_away() && !self.state.lock().backlog.is_empty() {
            self.is_back();
        }
    }

    /// Asks the server whether it is there, and notes it if so.
    fn is_back(&self) -> bool {
        let asked = self.try_ask(&cmd("PING").get_packed_command(), 1);
        let is_there = asked.is_ok_and(|replies| replies.into_iter().all(|it| sound(it).is_ok()));
        if is_there {
            self.find_again();
        }
        is_there
    }

    fn write_last(&self) {
        let (first, changes) = self.state.lock().backlog.oldest(LAST);
        let mut has_stumbled = false;
        for (number, (change, cause)) in (first..).zip(&changes) {
            if let Err(failure) = self.write(change, *cause, false) {
                // If it answers all the same, it may be this one that it does not take.
                let is_it = match failure {
                    Failure::Unfit(_) => true,
                    _ => !std::mem::replace(&mut has_stumbled, true) && self.is_back(),
                };
                if !is_it {
                    return;
                }
                self.notices.lock().unfit(change, failure.words());
            }
            self.state.lock().backlog.taken(number + 1);
        }
    }
}
