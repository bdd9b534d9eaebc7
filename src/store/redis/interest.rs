//! The keys whose news matter: the server announces every key that anybody changes.

use std::sync::atomic::{AtomicU64, Ordering};

const WORDS: usize = 1 << 12;

/// The keys that this process has asked for, by a part of their checksum. Some others seem to be
/// among them, for which the news are looked at in vain.
pub struct Interest(Box<[AtomicU64]>);

impl Default for Interest {
    fn default() -> Self {
        Self((0..WORDS).map(|_| AtomicU64::new(0)).collect())
    }
}

impl Interest {
    /// Takes an interest in `key`; to be called before the server is asked for it.
    pub fn add(&self, key: &[u8]) {
        let (word, bit) = self.place(key);
        if word.load(Ordering::Relaxed) & bit == 0 {
            word.fetch_or(bit, Ordering::SeqCst);
        }
    }

    /// Returns whether news of `key` matter.
    pub fn has(&self, key: &[u8]) -> bool {
        let (word, bit) = self.place(key);
        word.load(Ordering::SeqCst) & bit != 0
    }

    fn place(&self, key: &[u8]) -> (&AtomicU64, u64) {
        let hash = crc32fast::hash(key) as usize;
        (&self.0[hash / 64 % WORDS], 1 << (hash % 64))
    }
}
