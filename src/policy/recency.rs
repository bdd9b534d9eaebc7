//! What was used least recently goes first.
//!
//! ```text
//! entries     [ a | b | c | d ]     one dense table; an index is an entry's address
//! cache       a <-> c <-> d <-> b   each entry stands in the list of the cache ...
//! functions   a <-> d    c <-> b    ... and in that of its function, linked by indices
//! ```

use bytes::Bytes;
use foldhash::fast::RandomState;
use indexmap::IndexMap;

/// No entry: the end of a list.
const NONE: u32 = u32::MAX;

/// How much a scope may hold; `None` means without limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Number of entries.
    pub maxsize: Option<usize>,
    /// Sum of the entries' sizes in bytes.
    pub max_bytes: Option<u64>,
}

impl Limits {
    fn exceeded_by(self, entries: usize, bytes: u64) -> bool {
        self.maxsize.is_some_and(|most| entries > most)
            || self.max_bytes.is_some_and(|most| bytes > most)
    }
}

/// Entries that share limits: those of one function, or all of the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope(u32);

impl Scope {
    /// Every entry of the cache, whatever its function.
    pub const CACHE: Self = Self(0);
}

/// An entry's neighbours in one list.
#[derive(Clone, Copy, Debug)]
struct Links {
    newer: u32,
    older: u32,
}

#[derive(Debug)]
struct Entry {
    bytes: u64,
    scope: Scope,
    /// In the list of the cache, and in that of the entry's own scope.
    links: [Links; 2],
}

#[derive(Debug)]
struct List {
    newest: u32,
    oldest: u32,
    limits: Limits,
    entries: usize,
    bytes: u64,
    evictions: u64,
}

impl List {
    fn new(limits: Limits) -> Self {
        Self { newest: NONE, oldest: NONE, limits, entries: 0, bytes: 0, evictions: 0 }
    }

    fn is_over(&self) -> bool {
        self.limits.exceeded_by(self.entries, self.bytes)
    }
}

/// The exact order of use of a cache's entries, in several scopes at once; every step but
/// [`Recency::clear`] takes constant time.
#[derive(Debug)]
pub struct Recency {
    entries: IndexMap<Bytes, Entry, RandomState>,
    lists: Vec<List>,
}

impl Default for Recency {
    fn default() -> Self {
        Self::new(Limits::default())
    }
}

impl Recency {
    /// No entries yet, and `limits` for all of them together.
    pub fn new(limits: Limits) -> Self {
        Self { entries: IndexMap::default(), lists: vec![List::new(limits)] }
    }

    /// A new scope within the cache, with limits of its own.
    pub fn add_scope(&mut self, limits: Limits) -> Scope {
        self.lists.push(List::new(limits));
        Scope(address(self.lists.len() - 1))
    }

    /// Changes the limits of a scope and returns the keys that go, oldest first.
    pub fn set_limits(&mut self, scope: Scope, limits: Limits) -> Vec<Bytes> {
        self.list(scope).limits = limits;
        let mut gone = Vec::new();
        self.evict(scope, &mut gone);
        gone
    }

    /// Adds an entry of `bytes` bytes as the newest of its scope and of the cache, in place of an
    /// earlier one with its key, and returns the keys that go for it, oldest first.
    ///
    /// One that is too large for a scope all by itself goes at once, and no other for its sake.
    pub fn insert(&mut self, key: &Bytes, bytes: u64, scope: Scope) -> Vec<Bytes> {
        self.remove(key);
        for tight in [scope, Scope::CACHE] {
            if self.list(tight).limits.exceeded_by(1, bytes) {
                self.list(tight).evictions += 1;
                return vec![key.clone()];
            }
        }
        let links = [Links { newer: NONE, older: NONE }; 2];
        let (at, _) = self.entries.insert_full(key.clone(), Entry { bytes, scope, links });
        self.link_all(address(at));
        let mut gone = Vec::new();
        self.evict(scope, &mut gone);
        self.evict(Scope::CACHE, &mut gone);
        gone
    }

    /// Makes an entry the newest; says whether there is one.
    pub fn touch(&mut self, key: &[u8]) -> bool {
        let Some(at) = self.entries.get_index_of(key) else { return false };
        self.unlink_all(address(at));
        self.link_all(address(at));
        true
    }

    /// Forgets an entry; says whether there was one. It does not count as evicted.
    pub fn remove(&mut self, key: &[u8]) -> bool {
        let found = self.entries.get_index_of(key);
        found.is_some_and(|at| self.take(address(at)).is_some())
    }

    /// Forgets all entries; scopes, limits and counts of evictions stay.
    pub fn clear(&mut self) {
        self.entries.clear();
        for list in &mut self.lists {
            let evictions = list.evictions;
            *list = List { evictions, ..List::new(list.limits) };
        }
    }

    /// How many entries a scope has.
    pub fn len(&self, scope: Scope) -> usize {
        self.lists[index(scope.0)].entries
    }

    /// How many bytes the entries of a scope have.
    pub fn bytes(&self, scope: Scope) -> u64 {
        self.lists[index(scope.0)].bytes
    }

    /// How many entries went for the limits of this scope.
    pub fn evictions(&self, scope: Scope) -> u64 {
        self.lists[index(scope.0)].evictions
    }

    fn list(&mut self, scope: Scope) -> &mut List {
        &mut self.lists[index(scope.0)]
    }

    /// Lets the oldest of a scope go until it keeps its limits.
    fn evict(&mut self, scope: Scope, gone: &mut Vec<Bytes>) {
        while self.list(scope).is_over() {
            let oldest = self.list(scope).oldest;
            self.list(scope).evictions += 1;
            gone.extend(self.take(oldest));
        }
    }

    /// Takes an entry out; the last of the table moves to its address.
    fn take(&mut self, at: u32) -> Option<Bytes> {
        let last = address(self.entries.len() - 1);
        self.unlink_all(at);
        let (key, _) = self.entries.swap_remove_index(index(at))?;
        if at != last {
            self.readdress(at);
        }
        Some(key)
    }

    /// Tells the neighbours of the entry that moved to `at`.
    fn readdress(&mut self, at: u32) {
        for (side, scope) in self.sides(at) {
            let Links { newer, older } = self.entries[index(at)].links[side];
            *self.older_of(newer, side, scope) = at;
            *self.newer_of(older, side, scope) = at;
        }
    }

    fn link_all(&mut self, at: u32) {
        let bytes = self.entries[index(at)].bytes;
        for (side, scope) in self.sides(at) {
            let older = self.list(scope).newest;
            self.entries[index(at)].links[side] = Links { newer: NONE, older };
            *self.newer_of(older, side, scope) = at;
            let list = self.list(scope);
            list.newest = at;
            list.entries += 1;
            list.bytes += bytes;
        }
    }

    fn unlink_all(&mut self, at: u32) {
        let bytes = self.entries[index(at)].bytes;
        for (side, scope) in self.sides(at) {
            let Links { newer, older } = self.entries[index(at)].links[side];
            *self.older_of(newer, side, scope) = older;
            *self.newer_of(older, side, scope) = newer;
            let list = self.list(scope);
            list.entries -= 1;
            list.bytes -= bytes;
        }
    }

    /// The lists an entry stands in, with the links that belong to each.
    fn sides(&self, at: u32) -> impl Iterator<Item = (usize, Scope)> + use<> {
        let scope = self.entries[index(at)].scope;
        let own = (scope != Scope::CACHE).then_some((1, scope));
        [(0, Scope::CACHE)].into_iter().chain(own)
    }

    /// Where the next older entry of `at` is noted; that of nobody is the list's newest.
    fn older_of(&mut self, at: u32, side: usize, scope: Scope) -> &mut u32 {
        match at {
            NONE => &mut self.list(scope).newest,
            at => &mut self.entries[index(at)].links[side].older,
        }
    }

    /// Where the next newer entry of `at` is noted; that of nobody is the list's oldest.
    fn newer_of(&mut self, at: u32, side: usize, scope: Scope) -> &mut u32 {
        match at {
            NONE => &mut self.list(scope).oldest,
            at => &mut self.entries[index(at)].links[side].newer,
        }
    }
}

fn address(index: usize) -> u32 {
    u32::try_from(index).expect("four billion entries do not fit into any memory")
}

fn index(address: u32) -> usize {
    address as usize
}
