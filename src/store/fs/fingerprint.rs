//! What distinguishes one state of a file from another.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The fingerprint of a file: it changes when the file is replaced, rewritten or appended to.
#[derive(Clone, Copy, Debug)]
pub struct FileFingerprint {
    /// The device it is on. The number may change when the machine restarts, so the fingerprints in
    /// a journal are compared without it.
    pub device: u64,
    /// Its number there.
    pub inode: u64,
    /// Its length in bytes.
    pub size: u64,
    /// When it was last written to, in nanoseconds since the epoch.
    pub modified: u64,
}

impl PartialEq for FileFingerprint {
    fn eq(&self, other: &Self) -> bool {
        let state = |it: &Self| (it.inode, it.size, it.modified);
        state(self) == state(other)
    }
}

impl Eq for FileFingerprint {}

impl FileFingerprint {
    /// When the file was last written to.
    pub fn time(self) -> SystemTime {
        UNIX_EPOCH + Duration::from_nanos(self.modified)
    }

    /// Returns whether both are states of one file.
    pub fn is_same_file(self, other: Self) -> bool {
        (self.device, self.inode) == (other.device, other.inode)
    }

    /// Returns four little-endian numbers, in the order of the fields.
    pub fn to_bytes(self) -> [u8; 32] {
        let mut bytes = [0; 32];
        let fields = [self.device, self.inode, self.size, self.modified];
        for (place, field) in bytes.chunks_exact_mut(8).zip(fields) {
            place.copy_from_slice(&field.to_le_bytes());
        }
        bytes
    }

    /// Returns the fingerprint that `bytes` hold; `None` if they are not 32.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (fields, []) = bytes.as_chunks::<8>() else { return None };
        let &[device, inode, size, modified] = fields else { return None };
        let [device, inode, size, modified] =
            [device, inode, size, modified].map(u64::from_le_bytes);
        Some(Self { device, inode, size, modified })
    }
}
