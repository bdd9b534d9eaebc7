//! How keys are kept apart between processes: by locks of the kernel, or, as long as a process is
//! alone at the file, on a board.
//!
//! Who comes while nobody else is there puts up a board, holds the byte LONE and needs no lock for a
//! key. Who comes later reads the board as long as LONE is held. Both write before they look (the
//! one that a key is being computed, the other that it has come), so at least one sees the other:
//!
//! ```text
//! alone:     put the key up;   has somebody come?   then locks of the kernel, for all that is up
//! newcomer:  say that I came;  lock the key;   is it up there?   then it is busy
//! ```
//!
//! LONE goes, for good, as soon as nothing is up any more; the kernel takes it if the process dies.
//! A newcomer that cannot read the board (another user's process, another container) says so in the
//! journal, which the other reads at its next miss, and waits for LONE. Not for ever: the other may be
//! idle. At the worst what is computed at that very moment is computed twice.

use std::fs::File;
use std::io;
use std::time::{Duration, Instant};

use nix::sys::statfs::{self, FsType, fstatfs};

use super::board::Board;
use super::shared::Map;
use super::{Taken, ranges};

/// How long who cannot read a board waits for its owner to do without.
const PATIENCE: Duration = Duration::from_secs(1);

/// File systems of this machine alone: on any other there may be somebody who has no such memory.
const LOCAL: [FsType; 6] = [
    statfs::EXT4_SUPER_MAGIC,
    statfs::XFS_SUPER_MAGIC,
    statfs::BTRFS_SUPER_MAGIC,
    statfs::F2FS_SUPER_MAGIC,
    statfs::TMPFS_MAGIC,
    statfs::OVERLAYFS_SUPER_MAGIC,
];

/// Where this process stands.
#[derive(Debug)]
pub enum Standing {
    /// All use locks of the kernel.
    Crowd,
    /// Nobody else was there, and perhaps nobody is.
    Lone {
        board: Board,
        /// Somebody has come: nothing is put up any more.
        leaving: bool,
    },
    /// Somebody was there alone; this is their board.
    Beside(Board),
    /// The same, but the board cannot be read; how long to wait.
    Blind(Instant),
}

/// What stands for a key that was taken: a place on the board, or a lock of the kernel.
#[derive(Clone, Copy, Debug)]
pub struct Mark(Option<usize>);

impl Standing {
    /// For who holds presence alone: whoever comes finds a board. Without one, all is as ever.
    pub fn alone(file: &File, map: Option<Map>) -> Self {
        let map = map.filter(|_| is_local(file));
        map.and_then(|map| Self::put_up(file, map).ok()).unwrap_or(Self::Crowd)
    }

    fn put_up(file: &File, map: Map) -> io::Result<Self> {
        let board = Board::make(map)?;
        board.tell(file)?;
        let taken = ranges::take_lone(file)? == Taken::Yes;
        Ok(if taken { Self::Lone { board, leaving: false } } else { Self::Crowd })
    }

    /// For who found others present.
    pub fn beside(file: &File, map: Option<Map>) -> Self {
        if !is_lone_held(file) {
            return Self::Crowd;
        }
        let found = map.and_then(|map| Board::find(map, file).ok());
        found.map_or_else(
            || Self::Blind(Instant::now() + PATIENCE),
            |board| {
                board.join();
                Self::Beside(board)
            },
        )
    }

    /// Whether there is a board that we cannot read.
    pub fn is_blind(&self) -> bool {
        matches!(self, Self::Blind(_))
    }

    /// Takes a key, unless somebody else has it.
    pub fn take(&mut self, file: &File, byte: u32) -> io::Result<Option<Mark>> {
        if let Self::Lone { board, leaving: false } = self {
            let place = board.put_up(byte);
            if board.is_joined() {
                if let Some(at) = place {
                    board.take_down(at);
                }
                self.leave(file);
            } else if place.is_some() {
                return Ok(Some(Mark(place)));
            }
        }
        if self.must_wait(file) || ranges::take_key(file, byte)? != Taken::Yes {
            return Ok(None);
        }
        if self.is_up_elsewhere(file, byte) {
            ranges::give_key(file, byte);
            return Ok(None);
        }
        Ok(Some(Mark(None)))
    }

    /// Whether the owner of a board that we cannot read may have any key.
    fn must_wait(&mut self, file: &File) -> bool {
        let Self::Blind(until) = self else { return false };
        let must = Instant::now() < *until && is_lone_held(file);
        if !must {
            *self = Self::Crowd;
        }
        must
    }

    /// Whether the key, of which we hold the lock, stands on another's board.
    fn is_up_elsewhere(&mut self, file: &File, byte: u32) -> bool {
        let Self::Beside(board) = self else { return false };
        if !is_lone_held(file) {
            *self = Self::Crowd;
            return false;
        }
        board.shows(byte)
    }

    /// Gives a key back.
    pub fn give(&mut self, file: &File, byte: u32, mark: Mark) {
        if let (Some(at), Self::Lone { board, .. }) = (mark.0, &*self)
            && board.shows_at(at, byte)
        {
            board.take_down(at);
            return self.finish(file);
        }
        ranges::give_key(file, byte);
    }

    /// Somebody has come: from now on all keys have locks of the kernel.
    pub fn leave(&mut self, file: &File) {
        let Self::Lone { board, leaving } = self else { return };
        *leaving = true;
        for (at, byte) in board.all() {
            // A newcomer may have the lock for the moment that it takes to look at the board: then
            // the key stays up, and LONE held, until it is given back.
            if matches!(ranges::take_key(file, byte), Ok(Taken::Yes)) {
                board.take_down(at);
            }
        }
        self.finish(file);
    }

    fn finish(&mut self, file: &File) {
        if let Self::Lone { board, leaving: true } = self
            && board.all().next().is_none()
        {
            ranges::give_lone(file);
            *self = Self::Crowd;
        }
    }
}

/// Whether another process has its keys on a board.
fn is_lone_held(file: &File) -> bool {
    ranges::is_lone_held(file).unwrap_or(false)
}

fn is_local(file: &File) -> bool {
    fstatfs(file).is_ok_and(|found| LOCAL.contains(&found.filesystem_type()))
}
