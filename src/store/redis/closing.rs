//! The end of a server's use.

use std::sync::atomic::Ordering;

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
