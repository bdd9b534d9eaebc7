//! The hit tables of a process, by the rules of `src/py/hits`: they answer without asking the
//! cache, as long as nobody announces anything.

use std::collections::BTreeMap;
use std::sync::Arc;

use outlive::cache::Gate;
use outlive::policy::Liveness;
use outlive::store::Page;

/// The rows of one process.
#[derive(Debug, Default)]
pub struct Hits {
    epoch: u64,
    page: Option<Arc<Page>>,
    rows: BTreeMap<String, Row>,
}

/// What a hit on a key gives, until its liveness is retired.
#[derive(Debug)]
struct Row {
    text: String,
    liveness: Option<Arc<Liveness>>,
}

/// A result, and the epoch of the cache before it was looked up.
#[derive(Debug)]
pub struct Record {
    /// The epoch.
    pub epoch: u64,
    /// The result.
    pub text: String,
    /// The liveness of its entry, if entries have one.
    pub liveness: Option<Arc<Liveness>>,
}

impl Hits {
    /// Returns the text that a hit gives, if the table has one.
    pub fn find(&self, key: &str, gate: &Gate) -> Option<String> {
        let stamp = self.page.as_ref().map_or(0, |page| page.changes());
        if self.epoch != gate.epoch.current() || stamp != gate.watch.seen() {
            return None;
        }
        let row = self.rows.get(key)?;
        let is_gone = row.liveness.as_ref().is_some_and(|liveness| liveness.is_gone());
        (!is_gone).then(|| row.text.clone())
    }

    /// Returns whether hits see what other processes announce.
    pub fn look_at_a_page(&self) -> bool {
        self.page.is_some()
    }

    /// Remembers a result of the cache, which shares `page`.
    pub fn fill(&mut self, key: &str, record: Record, page: Option<Arc<Page>>, gate: &Gate) {
        let Record { epoch, text, liveness } = record;
        if gate.epoch.current() != epoch {
            return;
        }
        if self.epoch != epoch {
            *self = Self { epoch, page, rows: BTreeMap::new() };
        }
        self.rows.insert(key.to_owned(), Row { text, liveness });
    }
}
