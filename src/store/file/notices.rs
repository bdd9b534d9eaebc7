//! Notices for the user: each trouble once, in whole sentences that name the file.

use std::collections::HashSet;

/// Notices that wait to be fetched, and the subjects that were reported already.
#[derive(Debug, Default)]
pub struct Notices {
    waiting: Vec<String>,
    told: HashSet<String>,
}

impl Notices {
    /// Adds a notice, unless one `about` the same subject was added before.
    pub fn add(&mut self, about: &str, text: String) {
        if self.told.insert(about.to_owned()) {
            self.waiting.push(text);
        }
    }

    /// Suppresses further notices `about` this subject.
    pub fn mute(&mut self, about: &str) {
        self.told.insert(about.to_owned());
    }

    /// Takes all notices since the last call.
    pub fn take(&mut self) -> Vec<String> {
        std::mem::take(&mut self.waiting)
    }

    /// For the child of a fork: reported subjects stay reported; waiting notices are left to the
    /// parent.
    pub fn child(&self) -> Self {
        Self { waiting: Vec::new(), told: self.told.clone() }
    }
}
