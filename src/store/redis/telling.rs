//! What the user is told of a server.

use std::time::Duration;

use crate::key::shown;
use crate::store::{Change, RESERVED_KEY};

/// Sentences for the user, and what was told.
#[derive(Debug)]
pub struct Notices {
    server: String,
    sentences: Vec<String>,
    /// How often it could not be used.
    outages: usize,
    /// Why the server cannot be used now.
    away: Option<String>,
    /// Why it takes nothing now.
    full: Option<String>,
    /// What was told of questions that it refuses.
    refused: Vec<String>,
    damaged: usize,
    /// How many changes it did not take.
    unfit: usize,
}

/// So many damaged entries, and results that are not taken, are told one by one.
const DAMAGED: usize = 10;
/// So many different refusals are told.
const MOST_REFUSED: usize = 10;

impl Notices {
    /// None yet, of the server that is shown so.
    pub fn new(server: String) -> Self {
        let (sentences, refused) = (Vec::new(), Vec::new());
        Self {
            server,
            sentences,
            outages: 0,
            away: None,
            full: None,
            refused,
            damaged: 0,
            unfit: 0,
        }
    }

    /// Takes what is to be told.
    pub fn take(&mut self) -> Vec<String> {
        std::mem::take(&mut self.sentences)
    }

    /// The server does not answer, because `why`.
    pub fn begin_outage(&mut self, why: &str) {
        self.damaged = 0;
        self.away = Some(why.to_owned());
        self.outages += 1;
        let count = self.count();
        self.tell(&format!(
            "it cannot be used: {why}{count}; calls compute, and their results are kept in this \
             process and written there as soon as it can"
        ));
    }

    /// It answers again, after so long.
    pub fn end_outage(&mut self, after: Duration) {
        self.away = None;
        let (seconds, count) = (after.as_secs_f64(), self.count());
        self.tell(&format!("it can be used again, after {seconds:.1} s{count}"));
    }

    /// Which outage it is: who has seen a warning is not shown the same words once more.
    fn count(&self) -> String {
        if self.outages > 1 { format!(" (outage {})", self.outages) } else { String::new() }
    }

    /// The server takes nothing, because `why`; so much is told until it does.
    pub fn refused(&mut self, why: &str) {
        if self.full.replace(why.to_owned()).is_none() {
            self.tell(&format!(
                "it takes no results: {why}; they are kept in this process and written there as \
                 soon as it does"
            ));
        }
    }

    /// What waited was written, but so many results that had gone for want of room.
    pub fn caught_up(&mut self, dropped: usize) {
        if self.full.take().is_some() {
            self.tell("it takes results again");
        }
        if dropped > 0 {
            self.tell(&format!(
                "{dropped} results that were made while it could not be used are not there: this \
                 process keeps up to 1000 of them, or 16 MB, until it can"
            ));
        }
    }

    /// So many changes wait for the server when it is left.
    pub fn left_behind(&mut self, count: usize) {
        self.tell(&format!(
            "{count} changes that wait for it are lost if this process ends now, and are written \
             at the next use if it goes on"
        ));
    }

    /// An entry is not as it was written.
    pub fn damaged(&mut self, key: &[u8]) {
        self.damaged += 1;
        if self.damaged <= DAMAGED {
            self.tell(&format!(
                "the entry of {} is damaged or of a later version: it is not used and will be made \
                 anew",
                shown(key)
            ));
        }
    }

    /// The server does not take `change`, because `why`.
    pub fn unfit(&mut self, change: &Change, why: &str) {
        self.unfit += 1;
        if self.unfit <= DAMAGED {
            let key = match change.key() {
                Some(key) if key == RESERVED_KEY.as_bytes() => "the salt of secrets".to_owned(),
                key => key.map_or_else(String::new, |key| format!("the result of {}", shown(key))),
            };
            self.tell(&format!("{key} is not kept there: {why}; this process may hold it"));
        }
    }

    /// The text of an entry was found to be bad.
    pub fn bad(&mut self, why: &str) {
        self.tell(&format!("{why}; it is not used and will be made anew"));
    }

    /// Something was asked that the server refuses.
    pub fn failed(&mut self, doing: &str, why: &str) {
        let what = format!("could not {doing} it: {why}");
        if self.refused.len() < MOST_REFUSED && !self.refused.contains(&what) {
            self.tell(&what);
            self.refused.push(what);
        }
    }

    /// Why the server cannot be used as it should at this moment; `None` if it can.
    pub fn trouble(&self) -> Option<String> {
        let why = self.away.as_ref().or(self.full.as_ref())?;
        Some(format!("{}: {why}", self.server))
    }

    fn tell(&mut self, what: &str) {
        self.sentences.push(format!("{}: {what}", self.server));
    }
}
