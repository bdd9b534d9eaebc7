//! The operations of a store that is not loaded whole, because it may be larger than memory.

use bytes::Bytes;

use super::{Cause, Change, Item};
use crate::error::Result;

/// A limit of entries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Room {
    /// The number of entries; `None`: no limit.
    pub maxsize: Option<usize>,
    /// The sum of the sizes of their texts in bytes; `None`: no limit.
    pub max_bytes: Option<u64>,
}

/// What is known of an entry without its text being read.
#[derive(Clone, Copy, Debug)]
pub struct Outline<'o> {
    /// Its number: [`Paged::numbered`] gives the whole of it. Numbers grow in the order in which
    /// entries came.
    pub number: i64,
    /// The name of its function; empty if it has none.
    pub name: &'o [u8],
    /// Its key, where that was asked for; else empty.
    pub key: &'o [u8],
    /// The size of its text in bytes.
    pub size: u64,
    /// When it was made, in seconds since the epoch.
    pub created: Option<f64>,
    /// How many seconds the call took.
    pub took: Option<f64>,
}

/// What is called with outlines.
pub type Draw<'d> = &'d mut dyn FnMut(&Outline<'_>);

/// Returns when an entry was last used by this process, by the clock that counts uses; `None` if it
/// was not, or that is not known.
pub type LastUse<'u> = &'u dyn Fn(&[u8]) -> Option<u64>;

/// A store that is asked for one entry at a time. The entries in memory are copies of some of its
/// own.
///
/// A function's entries are those whose keys begin with its name and a parenthesis. Errors are in
/// the store's notices; an entry that cannot be read counts as missing.
///
/// IMPORTANT: an entry that is asked for is put into memory under the same lock over the history
/// under which changes are appended and the changes of other processes are taken in: otherwise a
/// copy could outlive its original. A store on another machine ([`Store::is_remote`]) is asked while
/// no lock is held; versions of keys take the place of that lock.
///
/// [`Store::is_remote`]: super::Store::is_remote
pub trait Paged: Send + Sync {
    /// Returns the entry of `key`.
    fn get(&self, key: &[u8]) -> Option<Item>;
    /// Returns the entries of `keys`, in their order: where it is a way to the store, in one.
    fn get_many(&self, keys: &[Bytes]) -> Vec<Option<Item>> {
        keys.iter().map(|key| self.get(key)).collect()
    }
    /// Returns whether a look would not wait for a disk or for others that write; false where it is a
    /// way to another place.
    fn is_quick(&self) -> bool {
        false
    }
    /// Returns whether there is one, without reading its text.
    fn contains(&self, key: &[u8]) -> bool;
    /// Returns how many there are, of the function with this `name` if one is given.
    fn count(&self, name: Option<&[u8]>) -> usize;
    /// Returns the keys in insertion order: of the function with this `name` if one is given, of
    /// entries made before a time if one is given, in seconds since the epoch.
    fn keys(&self, name: Option<&[u8]>, before: Option<f64>) -> Vec<Bytes>;
    /// Calls `draw` with the outline of each entry, in any order: of the function with this `name`
    /// if one is given, with its key if `keys` says so, which takes longer. `false` if this store
    /// cannot tell without reading texts, or cannot tell now: then what was drawn counts for
    /// nothing.
    fn outlines(&self, name: Option<&[u8]>, keys: bool, draw: Draw<'_>) -> bool {
        let _ = (name, keys, draw);
        false
    }
    /// Returns the entries with these numbers, in this order; what is gone, or cannot be read, is
    /// left out.
    fn numbered(&self, numbers: &[i64]) -> Vec<Item> {
        let _ = numbers;
        Vec::new()
    }
    /// Returns what later versions or tags added to entries, one JSON object each, with their keys.
    fn notes(&self) -> Vec<(Bytes, Bytes)>;
    /// Forgets all entries of the function with this name, and what is being computed for it, in
    /// one step; `false` if there is no such step.
    fn clear_named(&self, _name: &[u8]) -> bool {
        false
    }
    /// Sets the `clock` that numbers uses.
    fn count_uses(&self, _clock: Box<dyn Fn() -> u64 + Send + Sync>) {}
    /// Drops the least recently used entries, of the function with this `name` if one is given,
    /// until the rest has `room`, and returns their keys. If `newest` alone is too large, it is
    /// dropped, and no other entry for it.
    fn make_fit(
        &self,
        _name: Option<&[u8]>,
        _room: Room,
        _newest: Option<&[u8]>,
        _last_use: LastUse<'_>,
    ) -> Vec<Bytes> {
        Vec::new()
    }
    /// Writes `change`, as [`append_as`] does, and drops the least recently used entries of its
    /// function until the rest has `room`, in one step: nobody ever sees more. The keys of what went
    /// are added to `gone`. `None` if there is no such step. What waits for another process is made
    /// to fit when it is written; what went then is news.
    ///
    /// [`append_as`]: super::Store::append_as
    fn append_within(
        &self,
        _change: &Change,
        _cause: Cause,
        _room: Room,
        _last_use: LastUse<'_>,
        _gone: &mut Vec<Bytes>,
    ) -> Option<Result<bool>> {
        None
    }
    /// Records the same as [`note_uses`](Self::note_uses), before what waits is made to fit.
    fn remember_uses(&self, _uses: Vec<(Bytes, u64)>) {}
    /// Records when entries were last used, by the clock that counts uses.
    fn note_uses(&self, _uses: &[(Bytes, u64)]) {}
    /// Sets after how many seconds entries of the function with this `name` are of no use; `None`:
    /// never. A function with a clock of its own takes the time of its newest result for now.
    fn expire(&self, name: &[u8], seconds: Option<f64>, own_clock: bool);
    /// Drops entries whose time is over `now`, and returns their keys.
    fn drop_expired(&self, _now: f64) -> Vec<Bytes> {
        Vec::new()
    }
}
