//! The page of a lock file: it tells every process of a cache that results which it may be serving
//! were replaced or forgotten.
//!
//! ```text
//!  byte 0       8         16        24               2048                      4096
//!      +--------+---------+---------+------- … ------+----------- … -----------+
//!      | magic  | changes | all     | zeros          | 256 stripes of keys     |
//!      +--------+---------+---------+------- … ------+----------- … -----------+
//! ```
//! The last byte of the magic is the version. All other fields are **stamps** of eight bytes that
//! never repeat. A process that replaces or forgets results puts a new stamp into the stripe of the
//! key, or into `all` if every key is concerned, then one into `changes`. A reader that finds the
//! same `changes` as before need not look any further. A first result is no news: nobody can be
//! serving an older one.
//!
//! The page is mapped for reading only and written through the file. So a full disk is an error and
//! never a signal, and two processes that write at the same time both leave a stamp that no reader
//! has seen.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

use super::key_stripes::{Affected, STRIPES, stripe_of};
use crate::store::fs::Memory;

/// How many bytes a page has.
pub const SIZE: usize = 4096;

const FIELD: usize = size_of::<u64>();
const MAGIC: [u8; FIELD] = *b"outlive\x01";
const CHANGES: usize = 1;
const ALL: usize = 2;
/// Where the field is that hits look at, and where it ends.
pub const CHANGES_AT: u64 = (CHANGES * FIELD) as u64;
pub const CHANGES_END: u64 = CHANGES_AT + FIELD as u64;
const FIRST_STRIPE: usize = SIZE / FIELD - STRIPES;

impl Affected<'_> {
    /// Returns the offsets of the fields that get a new stamp, in order.
    pub fn offsets(self) -> Vec<u64> {
        /// So many stripes are announced as all keys: each takes a write.
        const MANY: usize = 16;
        let stripes = match self {
            Self::Key(key) => vec![stripe_of(key)],
            Self::Stripes(stripes) if !stripes.are_all() => stripes.numbers().collect(),
            Self::Stripes(_) | Self::All => (0..STRIPES).collect(),
        };
        let first = |number| FIRST_STRIPE + number;
        let fields =
            if stripes.len() < MANY { stripes.into_iter().map(first).collect() } else { vec![ALL] };
        fields.into_iter().chain([CHANGES]).map(|field| (field * FIELD) as u64).collect()
    }
}

/// The page as this process sees it.
#[derive(Debug)]
pub struct Page(Box<dyn Memory>);

impl Page {
    /// Makes a page of `memory`; `None` if that is not a page of this version.
    pub fn new(memory: Box<dyn Memory>) -> Option<Self> {
        let page = Self(memory);
        let whole = page.0.words().len() * FIELD >= SIZE;
        (whole && page.field(0).to_ne_bytes() == MAGIC).then_some(page)
    }

    /// Makes it show a change for good.
    pub fn let_go(&self) {
        self.0.let_go();
    }

    /// Returns the stamp of the last change.
    pub fn changes(&self) -> u64 {
        self.field(CHANGES)
    }

    /// Puts a new stamp on the page that is made of `words`.
    #[cfg(feature = "redis")]
    pub fn stamp(words: &[AtomicU64]) {
        words[CHANGES].store(u64::from_ne_bytes(new_stamp()), Ordering::Release);
    }

    /// Returns the word that holds that stamp.
    pub fn changes_word(&self) -> &AtomicU64 {
        &self.0.words()[CHANGES]
    }

    /// Returns the stamp of the last change to all keys.
    pub fn all(&self) -> u64 {
        self.field(ALL)
    }

    /// Returns the stamp of the last change to `key`, or to a key that shares its stripe.
    pub fn changes_of(&self, key: &[u8]) -> u64 {
        self.field(FIRST_STRIPE + stripe_of(key))
    }

    fn field(&self, number: usize) -> u64 {
        self.0.words()[number].load(Ordering::Acquire)
    }
}

/// Returns whether `bytes`, the first ones of a lock file, begin a page of any version.
pub fn is_page(bytes: &[u8]) -> bool {
    bytes.len() >= FIELD && bytes[..FIELD - 1] == MAGIC[..FIELD - 1]
}

/// Returns whether `bytes`, all of a lock file, are what a loss of power may leave of a page whose
/// writes partly reached the disk: zeros wherever there is no stamp.
pub fn is_torn(bytes: &[u8]) -> bool {
    let is_blank = |fields: std::ops::Range<usize>| {
        let unwritten = bytes.iter().take(fields.end * FIELD).skip(fields.start * FIELD);
        unwritten.into_iter().all(|&byte| byte == 0)
    };
    (1..=SIZE).contains(&bytes.len()) && is_blank(0..CHANGES) && is_blank(ALL + 1..FIRST_STRIPE)
}

/// Returns the bytes of a new page. Its stamps are new, too: nobody has seen them.
pub fn blank() -> Vec<u8> {
    let mut bytes = vec![0; SIZE];
    bytes[..FIELD].copy_from_slice(&MAGIC);
    for field in [CHANGES, ALL] {
        bytes[field * FIELD..][..FIELD].copy_from_slice(&new_stamp());
    }
    bytes
}

/// Returns these bytes as words, for a page that no other process sees.
#[cfg(feature = "redis")]
pub fn blank_page() -> Vec<u64> {
    let bytes = blank();
    let (fields, _) = bytes.as_chunks::<FIELD>();
    fields.iter().map(|&field| u64::from_ne_bytes(field)).collect()
}

/// Returns eight bytes that no process has written before.
pub fn new_stamp() -> [u8; FIELD] {
    // NOTE: a forked child inherits its parent's random state, but not its process id.
    let mut hasher = RandomState::new().build_hasher();
    hasher.write_u32(std::process::id());
    hasher.write_u128(since_epoch());
    hasher.finish().to_ne_bytes()
}

fn since_epoch() -> u128 {
    std::time::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_nanos())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Memory that belongs to no file.
    #[derive(Debug)]
    struct Words(Vec<AtomicU64>);

    impl Memory for Words {
        fn words(&self) -> &[AtomicU64] {
            &self.0
        }
    }

    fn page(bytes: &[u8]) -> Option<Page> {
        let (fields, _) = bytes.as_chunks::<FIELD>();
        let words = fields.iter().map(|&field| AtomicU64::new(u64::from_ne_bytes(field)));
        Page::new(Box::new(Words(words.collect())))
    }

    /// Memory that is too short, empty, or of another version is no page.
    #[test]
    fn what_is_no_page() {
        assert!(page(&blank()).is_some());
        assert!(page(&blank()[..SIZE - 1]).is_none() && page(&[0; SIZE]).is_none());
        let mut later = blank();
        later[FIELD - 1] += 1;
        assert!(page(&later).is_none());
    }

    /// A change to a key has a stamp in the key's stripe; a change to all keys has one apart.
    #[test]
    fn stamps_have_their_places() {
        let mut bytes = blank();
        let before = page(&bytes).expect("it is one");
        for offset in Affected::Key(b"a").offsets() {
            bytes[usize::try_from(offset).expect("it is small")..][..FIELD]
                .copy_from_slice(&new_stamp());
        }
        let after = page(&bytes).expect("it is one");
        assert!(before.changes() != after.changes() && before.all() == after.all());
        assert!(before.changes_of(b"a") != after.changes_of(b"a"));
        assert_eq!(before.changes_of(b"b"), after.changes_of(b"b"));
        let last = (SIZE - FIELD) as u64;
        assert!(Affected::All.offsets().iter().all(|offset| (1..last / 2).contains(offset)));
        assert!((0..999_u32).all(|n| Affected::Key(&n.to_le_bytes()).offsets()[0] <= last));
    }

    /// No two stamps are equal, and no two pages begin alike.
    #[test]
    fn stamps_never_come_twice() {
        let stamps: std::collections::HashSet<_> = (0..1000).map(|_| new_stamp()).collect();
        assert_eq!(stamps.len(), 1000);
        assert_ne!(blank(), blank());
    }

    /// The remains of a page after a loss of power are distinguished from another program's file.
    #[test]
    fn torn_pages() {
        let mut torn = blank();
        torn[..FIELD].fill(0);
        assert!(is_torn(&torn) && is_torn(&torn[..100]) && is_torn(&[0; SIZE]));
        assert!(!is_torn(&[]) && !is_torn(&blank()) && !is_torn(&[0; SIZE + 1]));
        torn[(ALL + 1) * FIELD] = 1;
        assert!(!is_torn(&torn) && !is_torn(b"4711\n"));
    }
}
