//! What is known of a database, and what waits to be written to it.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::store::fs::FileFingerprint;
use crate::store::{Cause, Change, ExternalChange};

/// Changes that wait for a disk to take them, in order.
pub type Backlog = Vec<(Change, Cause)>;

/// How long an opening waits for other processes, one of which may be making the database.
pub const A_WHILE: Duration = Duration::from_secs(2);

/// How long the results of one function are of use.
#[derive(Clone, Copy, Debug)]
pub struct Lifetime {
    pub seconds: f64,
    /// If the function has a clock of its own: when the newest of its results was made.
    pub newest: Option<f64>,
}

/// What is known of the database.
#[derive(Debug, Default)]
pub struct State {
    pub only_reads: bool,
    /// The file that is open.
    pub opened: Option<FileFingerprint>,
    /// The number that tells the database from others.
    pub history: Option<i64>,
    /// Whether it is not one of ours to use.
    pub unusable: bool,
    /// When its file was last seen in its place.
    pub seen_in_place: Option<Instant>,
    /// The last row about changes that was read.
    pub seen: i64,
    /// What others did, to be told to the cache.
    pub pending: Vec<ExternalChange>,
    /// What no disk has taken yet.
    pub backlog: Backlog,
    /// Who this process is among those that write.
    pub writer: i64,
    /// What is added to uses of this process, so that they lie behind those of earlier ones.
    pub uses_before: i64,
    /// How long results of functions are of use, in seconds.
    pub lifetimes: HashMap<Vec<u8>, Lifetime>,
    /// About how many bytes were written since the log was last moved into the database.
    pub logged: u64,
    pub closed: bool,
}

/// What a database is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// None is made, and a look of a moment ago is trusted.
    Read,
    /// One is made if there is none.
    Write,
}

impl State {
    /// Notes that the database that was known is not there any more.
    pub fn forget_all(&mut self) {
        self.opened = None;
        if self.history.take().is_some() {
            self.pending.push(ExternalChange::Change(Change::Clear));
        }
    }
}
