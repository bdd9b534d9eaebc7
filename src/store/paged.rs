//! What a store offers that is not loaded whole, because it may be larger than memory.

use bytes::Bytes;

use super::Item;

/// How much there may be of something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Room {
    /// Number of entries; `None`: any.
    pub maxsize: Option<usize>,
    /// Sum of the sizes of their texts in bytes; `None`: any.
    pub max_bytes: Option<u64>,
}

/// When an entry was last used by this process, by the clock that counts uses; `None` if it was not,
/// or nobody remembers.
pub type LastUse<'u> = &'u dyn Fn(&[u8]) -> Option<u64>;

/// A store that is asked for one entry at a time. The entries in memory are copies of some of its own.
///
/// A function's entries are those whose keys begin with its name and a parenthesis. What goes wrong is
/// in the store's notices; an entry that cannot be read is none.
///
/// IMPORTANT: an entry that is asked for is put into memory under the same lock over the history under
/// which changes are appended and the changes of other processes are taken in: else a copy could
/// outlive what it was copied from.
pub trait Paged: Send + Sync {
    /// The entry of `key`.
    fn get(&self, key: &[u8]) -> Option<Item>;
    /// Whether there is one, without reading its text.
    fn contains(&self, key: &[u8]) -> bool;
    /// How many there are, of the function with this `name` if one is given.
    fn count(&self, name: Option<&[u8]>) -> usize;
    /// The keys in the order in which they came: of the function with this `name` if one is given, of
    /// entries made before a time if one is given, in seconds since the epoch.
    fn keys(&self, name: Option<&[u8]>, before: Option<f64>) -> Vec<Bytes>;
    /// What later versions or tags added to entries, one JSON object each, with their keys.
    fn notes(&self) -> Vec<(Bytes, Bytes)>;
    /// Has uses counted by `clock`.
    fn count_uses(&self, clock: Box<dyn Fn() -> u64 + Send + Sync>);
    /// Lets the least recently used go, of the function with this `name` if one is given, until the
    /// rest has `room`, and returns their keys. If `newest` is too large all by itself, it goes, and
    /// no other for its sake.
    fn make_fit(
        &self,
        name: Option<&[u8]>,
        room: Room,
        newest: Option<&[u8]>,
        last_use: LastUse<'_>,
    ) -> Vec<Bytes>;
    /// Notes when entries were last used, by the clock that counts uses.
    fn note_uses(&self, uses: &[(Bytes, u64)]);
    /// Entries of the function with this `name` are of no use to anybody once they are so many
    /// seconds old; `None`: they always are. A function with a clock of its own has its newest result
    /// tell the time.
    fn expire(&self, name: &[u8], seconds: Option<f64>, own_clock: bool);
    /// Drops those whose time is over `now`, and returns their keys.
    fn drop_expired(&self, now: f64) -> Vec<Bytes>;
}
