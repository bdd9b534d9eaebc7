//! Byte ranges of one lock file as locks, on systems where an open file description owns them.
//!
//! ```text
//! byte 0        a checkpoint
//! byte 1        presence
//! byte 2 + n    the key with the number n, below 2^30
//! byte 2 + 2^30 writing
//! ```
//! They lie over whatever the file holds and need no bytes of it.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;

use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

use super::holder::holder;
use super::local::is_local;
use super::open_file::OpenFile;
use super::platform;
use super::refusal::outcome;
use super::{Glance, Handle, LockHandle, LockMode, LockPart, Map, Memory, Status, Taken};

pub const CHECKPOINT_SUFFIX: &str = "";
const FIRST_KEY: libc::off_t = 2;
const KEYS: libc::off_t = 1 << 30;

impl LockHandle for OpenFile {
    fn try_lock(&self, part: LockPart, mode: LockMode) -> io::Result<Taken> {
        self.unless_lost(set(self.verified()?, kind(mode), part))
    }

    fn unlock(&self, part: LockPart) {
        // NOTE: a key's byte is released without a look whose descriptor it is: if another file has
        // it by now, only somebody who locked that one byte of a billion would notice.
        let file = if let LockPart::Key(_) = part { self.at_hand() } else { self.verified() };
        // A failure needs no action: the kernel releases the lock when the file is closed.
        drop(file.map(|file| set(file, libc::F_UNLCK, part)));
    }

    fn holder(&self, part: LockPart) -> Option<u32> {
        let inode = self.verified().ok()?.metadata().ok()?.ino();
        holder(inode, u64::try_from(range(libc::F_WRLCK, part).l_start).ok()?)
    }

    fn status(&self) -> io::Result<Status> {
        self.checked_status()
    }

    fn glance(&self) -> io::Result<Glance> {
        Handle::glance(self)
    }

    fn shares_memory(&self) -> bool {
        self.verified().is_ok_and(is_local)
    }

    fn show(&self, map: Map, length: usize) -> io::Result<Box<dyn Memory>> {
        map(self.verified()?, length)
    }

    fn write_at(&self, start: u64, bytes: &[u8]) -> io::Result<()> {
        self.unless_lost(platform::write_at(self.verified()?, start, bytes))
    }
}

fn set(file: &File, kind: i32, part: LockPart) -> io::Result<Taken> {
    outcome(fcntl(file, FcntlArg::F_OFD_SETLK(&range(kind, part))).map(drop).map_err(Into::into))
}

fn kind(mode: LockMode) -> i32 {
    match mode {
        LockMode::Shared => libc::F_RDLCK,
        LockMode::Exclusive => libc::F_WRLCK,
    }
}

/// IMPORTANT: a key's number is below 2^30, so that all fit the file offsets of 32-bit systems.
fn range(kind: i32, part: LockPart) -> libc::flock {
    let key = |number: u32| FIRST_KEY + libc::off_t::from(number.cast_signed());
    let (start, length) = match part {
        LockPart::Checkpoint => (0, 1),
        LockPart::Presence => (1, 1),
        LockPart::Writing => (FIRST_KEY + KEYS, 1),
        LockPart::Key(number) => (key(number), 1),
        LockPart::Keys { first, end } => (key(first), key(end) - key(first)),
    };
    let kind = i16::try_from(kind).expect("the kinds of locks are 0, 1 and 2");
    let whence = i16::try_from(libc::SEEK_SET).expect("SEEK_SET is 0");
    libc::flock { l_type: kind, l_whence: whence, l_start: start, l_len: length, l_pid: 0 }
}

pub fn means_unsupported(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ENOLCK | libc::ENOSYS | libc::EOPNOTSUPP))
}
