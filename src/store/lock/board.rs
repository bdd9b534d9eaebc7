//! The board of a process that is alone at a file: what it computes stands there, in memory, for
//! whoever comes. A lock of the kernel for each key costs a hundred times as much.
//!
//! ```text
//! words 0, 1     a random number, which the note in the lock file repeats
//! word  2        1 once somebody else has come
//! words 3..256   0, or 1 + the byte of a key that is being computed
//! ```
//!
//! The note says how to find it: `process file number`. The memory is that of a file without a name
//! which nobody can cut, so that nobody who looks at it dies of that.

use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Read, Seek, Write};
use std::os::fd::AsRawFd;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::SeqCst;
use std::time::SystemTime;

use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::libc;
use nix::sys::memfd::{MFdFlags, memfd_create};

use super::shared::{Map, Memory};

const NUMBER: usize = 0;
const JOINED: usize = 2;
const FIRST: usize = 3;
const WORDS: usize = 256;
const NAME: &str = "outlive";
const SEALS: SealFlag = SealFlag::F_SEAL_SHRINK.union(SealFlag::F_SEAL_GROW);
/// The length of every note: each overwrites the one before it.
const NOTE: usize = 48;

/// A board, our own or another process's.
#[derive(Debug)]
pub struct Board {
    memory: Box<dyn Memory>,
    /// Others come to the memory by its file.
    file: File,
}

impl Board {
    /// A new board, with nothing on it.
    pub fn make(map: Map) -> io::Result<Self> {
        let mut file = nameless()?;
        file.write_all(&[0; WORDS * size_of::<AtomicU32>()])?;
        fcntl(&file, FcntlArg::F_ADD_SEALS(SEALS | SealFlag::F_SEAL_SEAL))?;
        let board = Self::of(map, file)?;
        let number = RandomState::new().hash_one((std::process::id(), SystemTime::now()));
        let halves = number.to_le_bytes();
        for (word, half) in board.words()[NUMBER..].iter().zip(halves.as_chunks().0) {
            word.store(u32::from_le_bytes(*half), SeqCst);
        }
        board.words()[JOINED..].iter().for_each(|word| word.store(0, SeqCst));
        Ok(board)
    }

    /// The board that the note in `lock` tells of.
    pub fn find(map: Map, mut lock: &File) -> io::Result<Self> {
        let mut note = [0; NOTE];
        lock.rewind()?;
        lock.read_exact(&mut note)?;
        let wrong = || io::Error::other("it names no board");
        let note = std::str::from_utf8(&note).map_err(|_| wrong())?;
        let (process, rest) = note.trim_end().split_once(' ').ok_or_else(wrong)?;
        let (number, _) = rest.split_once(' ').ok_or_else(wrong)?;
        let whole = |text: &str| text.parse::<u32>().map_err(|_| wrong());
        let path = format!("/proc/{}/fd/{}", whole(process)?, whole(number)?);
        // Looked at before it is opened: to open some other thing may wait, or do something.
        let target = std::fs::read_link(&path)?;
        if !target.as_os_str().as_encoded_bytes().starts_with(b"/memfd:outlive") {
            return Err(wrong());
        }
        let file = File::options().read(true).write(true).open(path)?;
        let seals = SealFlag::from_bits_retain(fcntl(&file, FcntlArg::F_GET_SEALS)?);
        let whole = file.metadata()?.len() == (WORDS * size_of::<AtomicU32>()) as u64;
        if !whole || !seals.contains(SEALS) {
            return Err(wrong());
        }
        let board = Self::of(map, file)?;
        if rest.ends_with(&board.number()) { Ok(board) } else { Err(wrong()) }
    }

    fn of(map: Map, file: File) -> io::Result<Self> {
        let memory = map(&file)?;
        let enough = memory.words().len() >= WORDS;
        let short = || io::Error::other("too little memory");
        enough.then_some(Self { memory, file }).ok_or_else(short)
    }

    /// Notes in `lock` where others find this board.
    pub fn tell(&self, mut lock: &File) -> io::Result<()> {
        let (process, file) = (std::process::id(), self.file.as_raw_fd());
        let note = format!("{process} {file} {}", self.number());
        lock.rewind()?;
        lock.write_all(format!("{note:<width$}\n", width = NOTE - 1).as_bytes())
    }

    /// The random number as text.
    fn number(&self) -> String {
        let half = |at: usize| self.words()[NUMBER + at].load(SeqCst);
        format!("{:08x}{:08x}", half(0), half(1))
    }

    fn words(&self) -> &[AtomicU32] {
        &self.memory.words()[..WORDS]
    }

    /// The owner's first half: puts a key up; where. `None`: there is no room.
    pub fn put_up(&self, byte: u32) -> Option<usize> {
        let slots = self.words()[FIRST..].iter();
        let free = slots.enumerate().find(|(_, word)| word.load(SeqCst) == 0);
        free.map(|(at, word)| {
            word.store(byte + 1, SeqCst);
            at
        })
    }

    /// The owner's second half, after `put_up`: whether somebody has come.
    pub fn is_joined(&self) -> bool {
        self.words()[JOINED].load(SeqCst) != 0
    }

    /// A newcomer's first half: tells the owner.
    pub fn join(&self) {
        self.words()[JOINED].store(1, SeqCst);
    }

    /// A newcomer's second half, after `join`: whether the key is up.
    pub fn shows(&self, byte: u32) -> bool {
        self.words()[FIRST..].iter().any(|word| word.load(SeqCst) == byte + 1)
    }

    /// Whether the key is up at this place.
    pub fn shows_at(&self, at: usize, byte: u32) -> bool {
        self.words()[FIRST + at].load(SeqCst) == byte + 1
    }

    /// Takes down what is up at a place.
    pub fn take_down(&self, at: usize) {
        self.words()[FIRST + at].store(0, SeqCst);
    }

    /// All keys that are up, and where.
    pub fn all(&self) -> impl Iterator<Item = (usize, u32)> {
        let words = self.words()[FIRST..].iter().map(|word| word.load(SeqCst)).enumerate();
        words.filter_map(|(at, word)| Some((at, word.checked_sub(1)?)))
    }
}

/// A file in memory that has no name. Some kernels complain unless it is never to be run; older ones
/// do not know that wish.
fn nameless() -> io::Result<File> {
    let flags = MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING;
    let never_run = flags | MFdFlags::from_bits_retain(libc::MFD_NOEXEC_SEAL);
    let made = memfd_create(NAME, never_run).or_else(|_| memfd_create(NAME, flags));
    Ok(made?.into())
}
