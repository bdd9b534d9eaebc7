//! Notices for the user: each trouble once, in whole sentences that name the file.

use std::collections::HashSet;

/// Notices that wait to be fetched, and what was told already.
#[derive(Debug, Default)]
pub struct Notices {
    waiting: Vec<String>,
    told: HashSet<String>,
}

impl Notices {
    /// Keeps `text` for the user, unless something `about` the same was told before.
    pub fn add(&mut self, about: &str, text: String) {
        if self.told.insert(about.to_owned()) {
            self.waiting.push(text);
        }
    }

    /// Says nothing more `about` this.
    pub fn mute(&mut self, about: &str) {
        self.told.insert(about.to_owned());
    }

    /// All notices since the last call.
    pub fn take(&mut self) -> Vec<String> {
        std::mem::take(&mut self.waiting)
    }

    /// For the child of a fork: what was told stays told, what waits is the parent's to tell.
    pub fn child(&self) -> Self {
        Self { waiting: Vec::new(), told: self.told.clone() }
    }
}
