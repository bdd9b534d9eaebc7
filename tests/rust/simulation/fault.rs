//! Faults of a disk: what it does instead of what it is asked for.

use std::io::{self, ErrorKind};

use super::random::Random;

/// The effect of an operation on the disk, as far as faults depend on it.
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

/// The faults that the disk has at the moment.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// The disk is full: writes fail or stop half way.
    pub full: bool,
    /// One in this many operations fails with EIO; 0: none.
    pub broken: usize,
    /// One in this many looks fails with EIO; 0: none.
    pub unreadable: usize,
    /// One in this many renames and removals fails with EBUSY; 0: none.
    pub busy: usize,
}

impl Faults {
    /// Returns the error that an operation meets, if any.
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
