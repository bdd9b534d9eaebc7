//! Changes that were in files which somebody took away.

use super::Backlog;
use crate::store::{Cause, Purge};

impl Backlog {
    /// Counts everything appended since the files were last seen as unwritten, because they were
    /// taken away.
    pub fn reclaim(&mut self) {
        self.reclaimed += 1;
        let lost = std::mem::take(&mut self.unconfirmed);
        let later = std::mem::take(&mut self.unwritten);
        for change in lost {
            self.keep(change, Cause::Given);
            if let Some(kept) = self.unwritten.last_mut() {
                kept.lost = true;
            }
        }
        for it in later {
            self.push(it);
        }
    }

    /// Returns how often changes that were appended turned out not to count.
    pub fn reclaimed(&self) -> u64 {
        self.reclaimed
    }

    /// Counts everything appended since the files were last seen as unwritten, because the user
    /// deleted the cache: it may have come after that, and before everything others appended since.
    pub fn reclaim_void(&mut self) {
        let unwritten = std::mem::take(&mut self.unwritten);
        self.reclaim();
        self.void = self.next;
        for it in unwritten {
            self.push(it);
        }
    }

    /// Drops the results that were appended to a journal which was taken away, and which `purges` in
    /// the chain after it are about: whoever made those, after that chain had `begun`, in microseconds
    /// since the epoch, made them later.
    pub fn overrule(&mut self, purges: &[Purge], begun: u64) {
        let begun = std::time::Duration::from_micros(begun).as_secs_f64();
        self.unwritten.retain(|it| {
            let is_older = it.lost && it.made < begun;
            let key = it.change.key().filter(|_| is_older);
            !key.is_some_and(|key| purges.iter().any(|purge| purge.concerns(key)))
        });
    }
}
