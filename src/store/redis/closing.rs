//! The end of a server's use.

use std::sync::atomic::Ordering;

use redis::cmd;

use super::failure::sound;
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
        if !self.is_away() || self.state.lock().backlog.is_empty() {
            return;
        }
        let asked = self.try_ask(&cmd("PING").get_packed_command(), 1);
        if asked.is_ok_and(|replies| replies.into_iter().all(|reply| sound(reply).is_ok())) {
            self.find_again();
        }
    }

    fn write_last(&self) {
        let (first, changes) = self.state.lock().backlog.oldest(LAST);
        for (number, (change, cause)) in (first..).zip(&changes) {
            if self.write(change, *cause, false).is_err() {
                return;
            }
            self.state.lock().backlog.taken(number + 1);
        }
    }
}
