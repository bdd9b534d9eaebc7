//! What the server announces, sorted: news for the cache, and for those who wait for an entry.

use std::sync::atomic::Ordering;

use super::server::Server;
use crate::store::ExternalChange;

impl Server {
    /// Records the server's news: these of its keys have changed, or all. The caller is inside the
    /// cache.
    pub(super) fn hear(&self, changed: Option<&[Vec<u8>]>) {
        let Some(changed) = changed else {
            self.news.is_salt_doubtful.store(true, Ordering::Release);
            self.news.forget_all();
            return self.news.wake(None);
        };
        let mut found = Vec::new();
        for name in changed {
            if let Some(key) = self.names.key(name) {
                self.news.wake(Some(&key));
                if self.interest.has(&key) {
                    found.push(ExternalChange::Outdated(Some(key)));
                }
            } else if let Some(function) = self.names.function(name) {
                // Computations find out when their result is kept.
                found.push(ExternalChange::Outdated(None));
                if function.is_empty() {
                    self.news.is_salt_doubtful.store(true, Ordering::Release);
                }
            }
        }
        if !found.is_empty() {
            self.news.add(found);
        }
    }
}
