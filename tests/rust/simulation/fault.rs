//! What a disk may do instead of what it is asked for.

use std::io::{self, ErrorKind};

use super::random::Random;

/// What an operation does to the disk, as far as faults care.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It only looks.
    Look,
    /// It needs room.
    Write,
    /// It makes, renames or removes a name.
    Name,
    /// It waits for the disk.
    Sync,
}

/// Which troubles the disk has at the moment.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// There is no room: writes end half done or fail.
    pub full: bool,
    /// One in so many operations fails with EIO; 0: none.
    pub broken: usize,
    /// One in so many looks fails with EIO; 0: none.
    pub unreadable: usize,
    /// One in so many renames and removals fails with EBUSY; 0: none.
    pub busy: usize,
}

impl Faults {
    /// The error that an operation meets, if any.
    pub fn strike(&self, effect: Effect, random: &mut Random) -> Option<io::Error> {
        let mut hits = |rate: usize| rate > 0 && random.once_in(rate);
        match effect {
            Effect::Look if hits(self.unreadable) => Some(eio()),
            Effect::Look => None,
            Effect::Name if hits(self.busy) => Some(ErrorKind::ResourceBusy.into()),
            Effect::Write if self.full && hits(2) => Some(ErrorKind::StorageFull.into()),
            _ if hits(self.broken) => Some(eio()),
            _ => None,
        }
    }
}

fn eio() -> io::Error {
    io::Error::from_raw_os_error(5)
}
