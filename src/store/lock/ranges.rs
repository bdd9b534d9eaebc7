//! Byte ranges of one lock file.

use std::fs::File;
use std::io;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

use super::{Taken, judge};

pub const KEYS: bool = true;
pub const FOLD_SUFFIX: &str = "";
const FOLD: libc::off_t = 0;
const PRESENCE: libc::off_t = 1;
const FIRST_KEY: libc::off_t = 2;
/// Held by a process whose keys stand on its board.
const LONE: libc::off_t = FIRST_KEY + (1 << 30);

fn range(kind: i32, start: libc::off_t) -> libc::flock {
    let kind = i16::try_from(kind).expect("the kinds of locks are 0, 1 and 2");
    let whence = i16::try_from(libc::SEEK_SET).expect("SEEK_SET is 0");
    libc::flock { l_type: kind, l_whence: whence, l_start: start, l_len: 1, l_pid: 0 }
}

fn set(file: &File, kind: i32, start: libc::off_t) -> io::Result<Taken> {
    let range = range(kind, start);
    judge(fcntl(file, FcntlArg::F_OFD_SETLK(&range)).map(drop).map_err(Into::into))
}

fn wait(file: &File, kind: i32, start: libc::off_t) -> io::Result<Taken> {
    let range = range(kind, start);
    loop {
        match fcntl(file, FcntlArg::F_OFD_SETLKW(&range)) {
            Err(Errno::EINTR) => {}
            result => return judge(result.map(drop).map_err(Into::into)),
        }
    }
}

/// Takes presence, alone if nobody else is there and `alone` is wished for. Whether there are locks,
/// and whether it was taken alone.
pub fn enter(file: &File, alone: bool) -> io::Result<(bool, bool)> {
    if alone && set(file, libc::F_WRLCK, PRESENCE)? == Taken::Yes {
        return Ok((true, true));
    }
    Ok((wait(file, libc::F_RDLCK, PRESENCE)? == Taken::Yes, false))
}

/// Lets others in, after `enter`.
pub fn share(file: &File) -> io::Result<Taken> {
    set(file, libc::F_RDLCK, PRESENCE)
}

pub fn take_lone(file: &File) -> io::Result<Taken> {
    set(file, libc::F_WRLCK, LONE)
}

pub fn give_lone(file: &File) {
    // Nothing to do about a failure: the kernel frees the lock when the file is closed.
    drop(set(file, libc::F_UNLCK, LONE));
}

/// Whether another process holds the byte of those whose keys stand on a board.
pub fn is_lone_held(file: &File) -> io::Result<bool> {
    let mut range = range(libc::F_RDLCK, LONE);
    fcntl(file, FcntlArg::F_OFD_GETLK(&mut range))?;
    Ok(i32::from(range.l_type) != libc::F_UNLCK)
}

pub fn take_all(file: &File) -> io::Result<Taken> {
    set(file, libc::F_WRLCK, PRESENCE)
}

pub fn wait_fold(file: &File) -> io::Result<Taken> {
    wait(file, libc::F_WRLCK, FOLD)
}

pub fn take_fold(file: &File) -> io::Result<Taken> {
    set(file, libc::F_WRLCK, FOLD)
}

pub fn give_fold(file: &File) {
    // Nothing to do about a failure: the kernel frees the lock when the file is closed.
    drop(set(file, libc::F_UNLCK, FOLD));
}

/// IMPORTANT: below 2^30, so that it fits the file offsets of 32-bit systems and below LONE.
fn key(byte: u32) -> libc::off_t {
    FIRST_KEY + libc::off_t::from(byte.cast_signed())
}

pub fn take_key(file: &File, byte: u32) -> io::Result<Taken> {
    set(file, libc::F_WRLCK, key(byte))
}

pub fn give_key(file: &File, byte: u32) {
    // Nothing to do about a failure: the kernel frees the lock when the file is closed.
    drop(set(file, libc::F_UNLCK, key(byte)));
}

pub fn means_unsupported(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ENOLCK | libc::ENOSYS | libc::EOPNOTSUPP))
}
