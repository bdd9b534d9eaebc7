//! The store as one process uses it; the child of a fork goes on with another one.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{OnceLock, Weak};

use super::Options;
use super::folder::Folder;
use super::generations::Generations;
use super::locks::Locks;
use super::obstacle::Obstacle;
use super::own::Own;
use super::permit::Permit;
use super::quarantine;
use super::state::FileState;
use crate::error::Result;
use crate::store::fs::{Closed, Idle, note_open};
use crate::store::journal::Record;
use crate::store::lock::Affected;
use crate::store::{Cause, Change, KeyLock, Loaded, Purge};
use crate::sync::{Arc, Mutex, forks, rank};

impl Idle for ProcessStore {
    fn close_idle(&self) -> Closed {
        if self.forks != forks::count() {
            return Closed::Before;
        }
        let Some(mut state) = self.state.try_lock() else { return Closed::NotYet };
        let journal = state.view.close_idle();
        let locks = if journal == Closed::NotYet { journal } else { self.locks.close_idle() };
        if locks != Closed::NotYet {
            self.is_listed.store(false, Ordering::Relaxed);
        }
        if locks == Closed::Before { journal } else { locks }
    }
}

/// What one process has open of a cache file.
#[derive(Debug)]
pub struct ProcessStore {
    pub(super) folder: Arc<Folder>,
    pub(super) generations: Arc<Generations>,
    pub(super) options: Options,
    pub(super) locks: Arc<Locks>,
    pub(super) state: Mutex<FileState, { rank::FILE }>,
    /// Another process that keeps this one from following the journals.
    following: Obstacle,
    /// Another process that keeps this one from writing.
    writing: Obstacle,
    /// What the child of a fork uses instead: nothing here is waited for or unlocked again.
    child: OnceLock<Arc<Self>>,
    /// Whether it is on the list of stores that may be asked to close what is open.
    is_listed: AtomicBool,
    /// Whether the process ends, so that it leaves although it computes.
    pub(super) ends: AtomicBool,
    /// How many forks preceded the process that it belongs to.
    forks: u64,
}

impl ProcessStore {
    /// The store of a process that has nothing open yet.
    pub fn new(folder: Folder, options: Options) -> Self {
        let generations = Arc::new(Generations::new(Arc::new(folder), options.durability));
        let state = FileState::new(Arc::clone(&generations), options);
        Self::with_state(generations, options, state)
    }

    fn with_state(generations: Arc<Generations>, options: Options, state: FileState) -> Self {
        let locks = Arc::new(Locks::new(options.map));
        let folder = Arc::clone(generations.folder());
        let (state, child, forks) = (Mutex::new(state), OnceLock::new(), forks::count());
        let (following, writing) = (Obstacle::default(), Obstacle::default());
        let is_listed = AtomicBool::new(false);
        Self {
            folder,
            generations,
            options,
            locks,
            state,
            following,
            writing,
            child,
            is_listed,
            ends: AtomicBool::new(false),
            forks,
        }
    }

    /// Returns the store of this process.
    #[inline]
    pub fn current(self: &Arc<Self>) -> &Arc<Self> {
        // Nearly always this one, in use already.
        if self.forks == forks::count()
            && self.is_listed.load(Ordering::Relaxed)
            && self.child.get().is_none()
        {
            return self;
        }
        self.found()
    }

    /// Returns the store of this process, and notes that it is in use.
    #[inline(never)]
    fn found(self: &Arc<Self>) -> &Arc<Self> {
        let store = self.last();
        // No hook of Python runs at a fork that was made in C.
        let store = if store.forks == forks::count() { store } else { store.leave_to_child() };
        store.note_use();
        store
    }

    /// Notes that it may open files from now on.
    fn note_use(self: &Arc<Self>) {
        if !self.is_listed.load(Ordering::Relaxed)
            && self.folder.fs.has_descriptors()
            && !self.is_listed.swap(true, Ordering::Relaxed)
        {
            let user: Weak<Self> = Arc::downgrade(self);
            note_open(user);
        }
    }

    /// Returns the last child in the chain of forks.
    pub fn last(self: &Arc<Self>) -> &Arc<Self> {
        let mut store = self;
        while let Some(child) = store.child.get() {
            store = child;
        }
        store
    }

    /// Reads everything; makes the folder if there is none.
    pub fn load(&self) -> Loaded {
        let mut state = self.state.lock();
        if !state.view.only_reads && !self.options.read_only {
            self.folder.make();
        }
        state.view.load()
    }

    /// Writes `change` to the journal; a change that fails is kept for the next time, and reported
    /// once. Returns `false` if it is the result of a computation that was outdated meanwhile.
    pub fn append(&self, change: Change, cause: Cause) -> Result<bool> {
        self.append_own(change, cause, false)
    }

    fn append_own(&self, change: Change, cause: Cause, is_news: bool) -> Result<bool> {
        let own = Own { change: &change, cause, is_news, late: None };
        // NOTE: before the state's lock is taken, as presence comes before all that is written.
        let joined = self.join_to_write();
        let mut state = self.state.lock();
        let owed = state.view.contents.backlog.affected();
        let result = match joined {
            Ok(true) => state.append(own),
            Ok(false) => state.keep_unwritten(own, self.folder.busy()),
            Err(error) => state.keep_unwritten(own, error),
        };
        let contents = &mut state.view.contents;
        let overtaken = contents.news.take_overtaken().then(|| Purge::of(&change));
        if matches!(result, Ok(true)) {
            contents.backlog.note_appended(change);
        }
        drop(state);
        if let Some(purge) = overtaken {
            self.locks.announce(&self.folder, purge.affected());
        }
        if result.is_ok() {
            self.writing.is_stuck(false);
        }
        if !owed.are_none() {
            // A change that was announced when it failed may be in the journal only now.
            self.locks.announce(&self.folder, Affected::Stripes(owed));
        }
        self.locks.announce_owed(&self.folder);
        self.folder.tell_failure(&result);
        result
    }

    /// Appends what waited for another process, if that is out of the way.
    pub fn settle(&self) -> Result<()> {
        {
            let view = &mut self.state.lock().view;
            if view.contents.backlog.is_empty() {
                return view.head.sync_found();
            }
        }
        let result = match self.join_to_write() {
            Ok(true) => self.append_backlog(),
            Ok(false) => Err(self.folder.busy()),
            Err(error) => Err(error),
        };
        let busy = matches!(&result, Err(error) if error.is_busy());
        let stuck = self.writing.is_stuck(busy);
        let result = if stuck { Err(self.folder.stuck()) } else { result };
        if result.as_ref().is_err_and(|error| !error.is_busy()) {
            self.state.lock().view.contents.backlog.note_trouble();
        }
        self.folder.tell_failure(&result);
        result
    }

    /// Notes that nobody waits any more for what could not be written.
    pub fn stop_waiting(&self) {
        self.state.lock().view.contents.backlog.note_trouble();
    }

    fn append_backlog(&self) -> Result<()> {
        let mut state = self.state.lock();
        let owed = state.view.contents.backlog.affected();
        let result = state.append_backlog();
        drop(state);
        // A change that was announced when it failed is in the journal only now.
        self.locks.announce(&self.folder, Affected::Stripes(owed));
        result
    }

    /// Outdates computations of other processes, if there are any. If the record cannot be written,
    /// they keep what they compute.
    pub fn outdate(&self, purge: &Purge) -> Result<()> {
        if !self.locks.are_made(&self.folder) {
            return Ok(());
        }
        let joined = self.join_to_write();
        if joined.is_err() || matches!(joined, Ok(true)) && self.locks.is_alone() {
            return Ok(());
        }
        let written = match purge.as_change() {
            // Another thread may be taking in what it undoes at this moment.
            Some(change) => self.append_own(change, Cause::Given, true).map(drop),
            None => self.append_purge(purge),
        };
        self.locks.announce(&self.folder, purge.affected());
        written
    }

    fn append_purge(&self, purge: &Purge) -> Result<()> {
        let mut state = self.state.lock();
        // Unlike a change, it is not written again if the journal turns out to have been taken away.
        state.view.catch_up_or_tell();
        let written = state.append_record(&Record::Purge(purge.clone()));
        drop(state);
        self.folder.tell_failure(&written);
        written
    }

    /// Joins the processes that write, if there is anything to write to; returns `false` while the
    /// last of them clears up.
    fn join_to_write(&self) -> Result<bool> {
        self.state.lock().check_usable()?;
        Ok(self.locks.try_join(&self.folder)?.is_some())
    }

    /// Joins the processes that write, so that this one sees what they announce. Where nothing may
    /// be written it does without, and reports nothing.
    pub fn join(&self) {
        if !self.state.lock().view.only_reads {
            let _ = self.join_to_write();
        }
    }

    /// Tries to take `key` for this process alone.
    pub fn lock_key(&self, key: &[u8], is_deep: &dyn Fn() -> bool) -> KeyLock {
        self.follow(|locks, folder| locks.take_key(folder, key, is_deep))
    }

    /// Counts a computation whose key is not locked.
    pub fn attend(&self) -> KeyLock {
        self.follow(Locks::attend)
    }

    /// Takes something for a computation, which then misses no purge.
    fn follow(&self, take: impl FnOnce(&Locks, &Folder) -> KeyLock) -> KeyLock {
        if self.state.lock().check_usable().is_err() {
            return KeyLock::Unsupported;
        }
        let taken = take(&self.locks, &self.folder);
        let KeyLock::Held(guard) = &taken else { return taken };
        let follows = self.state.lock().follow_from_here();
        // A process that begins or folds a journal takes a moment, too.
        let waits = !self.following.is_stuck(!follows) && !follows;
        // Another thread may have closed the cache between the lock and the journal.
        if waits || !guard.is_held() { KeyLock::Busy } else { taken }
    }

    /// Returns the right to write a snapshot.
    pub(super) fn permit(&self) -> Result<Permit> {
        self.locks.permit(&self.folder).inspect_err(|error| {
            if !error.is_busy() {
                self.state.lock().tell_unsaved(error);
            }
        })
    }

    /// Keeps a copy of the file as it is now because of `why`, and reports it.
    pub fn quarantine(&self, why: &str) {
        let only_reads = self.state.lock().view.only_reads;
        quarantine::keep(&self.folder, why, only_reads);
    }

    /// Removes the copies of damaged files.
    pub fn erase_copies(&self) {
        quarantine::erase(&self.folder);
    }

    /// Returns the store of the child of a fork. A lock that another thread of the parent held at
    /// that moment is held forever here: it is tried, never waited for.
    pub fn leave_to_child(&self) -> &Arc<Self> {
        // A second call finds the child in place and changes nothing.
        self.child.get_or_init(|| Arc::new(self.child()))
    }

    fn child(&self) -> Self {
        self.locks.forget();
        let told = self.folder.notices.try_lock().map(|notices| notices.child());
        let folder = Arc::new(self.folder.for_child(told.unwrap_or_default()));
        let generations = Arc::new(Generations::new(folder, self.options.durability));
        let state = match self.state.try_lock() {
            Some(mut state) => state.child(Arc::clone(&generations), self.options),
            None => FileState::new(Arc::clone(&generations), self.options),
        };
        Self::with_state(generations, self.options, state)
    }
}
