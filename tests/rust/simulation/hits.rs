//! What the tables of hits of a process answer, by the rules of `src/py/hits`: without asking the
//! cache, for as long as nobody announces anything.

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

/// What a hit on a key gives, unless it went.
#[derive(Debug)]
struct Row {
    text: String,
    liveness: Option<Arc<Liveness>>,
}

/// A result, and the state of the cache before it was looked for.
#[derive(Debug)]
pub struct Record {
    /// The epoch.
    pub epoch: u64,
    /// The result.
    pub text: String,
    /// Whether it is still there, if entries tell.
    pub liveness: Option<Arc<Liveness>>,
}

impl Hits {
    /// What a hit gives.
    pub fn find(&self, key: &str, gate: &Gate) -> Option<String> {
        let stamp = self.page.as_ref().map_or(0, |page| page.changes());
        if self.epoch != gate.epoch.current() || stamp != gate.watch.seen() {
            return None;
        }
        let row = self.rows.get(key)?;
        let is_gone = row.liveness.as_ref().is_some_and(|liveness| liveness.is_gone());
        (!is_gone).then(|| row.text.clone())
    }

    /// Whether hits look at what others announce.
    pub fn look_at_a_page(&self) -> bool {
        self.page.is_some()
    }

    /// Remembers a result that the cache gave, which shares `page`.
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
