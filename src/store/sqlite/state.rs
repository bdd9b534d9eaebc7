//! The state of a database in use, and the changes that wait to be written to it.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::packing;
use crate::store::fs::FileFingerprint;
use crate::store::{Cause, Change, ExternalChange, Room};

/// A change that has not been written yet.
#[derive(Clone, Debug)]
pub struct Waiting {
    pub change: Change,
    pub cause: Cause,
    /// The text of its entry as it is written, if that is another one.
    pub packed: Option<Vec<u8>>,
    /// The limit of its function, which holds once it is written.
    pub room: Option<Room>,
}

impl Waiting {
    /// Gets `change` ready: what takes time is done before anybody is kept waiting.
    pub fn new(change: Change, cause: Cause) -> Self {
        let packed = match &change {
            Change::Put(item) => packing::packed(&item.text),
            Change::Remove(_) | Change::Clear => None,
        };
        Self { change, cause, packed, room: None }
    }

    /// The same where its function has a limit.
    pub fn within(self, room: Room) -> Self {
        Self { room: Some(room), ..self }
    }
}

/// Changes that have not been written yet, in order.
pub type Backlog = Vec<Waiting>;

/// How long opening waits for other processes, one of which may be making the database.
pub const A_WHILE: Duration = Duration::from_secs(2);

/// How long the results of one function are of use.
#[derive(Clone, Copy, Debug)]
pub struct Lifetime {
    pub seconds: f64,
    /// When its newest result was made, if the function has a clock of its own.
    pub newest: Option<f64>,
}

/// What this process knows of the database.
#[derive(Debug, Default)]
pub struct State {
    pub only_reads: bool,
    /// The file that is open.
    pub opened: Option<FileFingerprint>,
    /// The log of that file, and how often all connections had been closed when it was seen.
    pub log: Option<(FileFingerprint, u64)>,
    /// The number that tells this database from others.
    pub history: Option<i64>,
    /// Whether it is not ours to use.
    pub unusable: bool,
    /// When its file was last seen in its place.
    pub seen_in_place: Option<Instant>,
    /// The number of the last row about changes that was read.
    pub seen: i64,
    /// What others did, for the cache to take in.
    pub pending: Vec<ExternalChange>,
    /// What has not been written yet.
    pub backlog: Backlog,
    /// The number of this process among the writers.
    pub writer: i64,
    /// Added to the numbers of this process's uses, so that they come after earlier processes'
    /// uses.
    pub uses_before: i64,
    /// The last uses of entries that the database does not know, while something waits.
    pub uses: Vec<(Bytes, u64)>,
    /// The keys of what went under limits when nobody put anything; they are counted at the next put.
    pub gone: Vec<Bytes>,
    /// How long results of each function are of use.
    pub lifetimes: HashMap<Vec<u8>, Lifetime>,
    /// About how many bytes were written since the log was last moved into the database.
    pub logged: u64,
    pub closed: bool,
}

/// The purpose for which a database is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// None is made if it is missing, and a check of a moment ago still holds.
    Read,
    /// One is made if it is missing.
    Write,
}

impl State {
    /// The changes that have not been written yet, in order.
    pub fn waiting(&self) -> impl DoubleEndedIterator<Item = &Change> + ExactSizeIterator {
        self.backlog.iter().map(|waiting| &waiting.change)
    }

    /// Forgets the database that was known, as it is not there any more.
    pub fn forget_all(&mut self) {
        self.opened = None;
        if self.history.take().is_some() {
            self.pending.push(ExternalChange::Change(Change::Clear));
        }
    }
}
