//! One open generation of the journal: appends to it and follows what others append.

use std::io::{self, ErrorKind};
use std::path::PathBuf;

use bytes::Bytes;

use super::purges::Purges;
use super::reader::{Tail, scan};
use super::record::Purged;
use crate::store::Purge;
use crate::store::fs::{FileFingerprint, Fs, Glance, Handle, lost};
use crate::value::write::Charset;

/// A larger record buffer is released after its use.
const KEPT_BUFFER: usize = 1 << 20;

/// How many bytes of a file are read to tell whether it is a journal.
const SAMPLE: u64 = 1 << 16;

/// What a look at the end of the journal found.
#[derive(Debug)]
pub enum Look {
    /// No other process appended.
    Same,
    /// Another process appended this.
    New(Tail),
    /// The file was removed or cut without a seal: a foreign program did it.
    Gone,
}

/// An open generation.
#[derive(Debug)]
pub struct Journal {
    /// Its number.
    pub generation: u64,
    /// Where it is.
    pub path: PathBuf,
    /// Whether it may be written.
    pub writable: bool,
    /// `None` if it was closed until its next use.
    file: Option<Box<dyn Handle>>,
    /// The file's fingerprint.
    place: FileFingerprint,
    charset: Charset,
    /// Everything before this byte has been read.
    known: u64,
    /// The size at the last look: bytes from `known` to here are no whole record yet.
    seen: u64,
    /// The purges in everything that was read.
    purges: Purges,
    /// The start of the last record that this process appended.
    last: u64,
    /// Whether the file had a name at the last look.
    pub is_named: bool,
    /// The buffer in which records are built.
    pub buffer: Vec<u8>,
}

/// The part of a journal that could not be read.
#[derive(Clone, Debug)]
pub struct Dropped {
    /// The path of the journal.
    pub path: PathBuf,
    /// How many bytes could not be read.
    pub bytes: usize,
    /// How many changes were read all the same.
    pub kept: usize,
}

impl Journal {
    /// The file at `path`, opened as `file`, as generation `generation`; nothing of it is read yet.
    pub fn new(
        file: Box<dyn Handle>,
        path: PathBuf,
        generation: u64,
        charset: Charset,
        writable: bool,
    ) -> io::Result<Self> {
        let place = file.status()?.fingerprint;
        Ok(Self {
            generation,
            path,
            writable,
            file: Some(file),
            place,
            charset,
            known: 0,
            seen: 0,
            purges: Purges::default(),
            last: 0,
            is_named: true,
            buffer: Vec::new(),
        })
    }

    /// Opens this generation again, with everything that is known of it, with a handle of its own:
    /// a child shares its parent's file position, and a descriptor that the program closed is lost.
    ///
    /// # Errors
    /// If the file is gone.
    pub fn reopen(&self, fs: &dyn Fs) -> io::Result<Self> {
        let open = if self.writable { Fs::open_append } else { Fs::open_read };
        let path = self.path.clone();
        let file = open(fs, &path)?;
        let new = Self::new(file, path, self.generation, self.charset, self.writable)?;
        if !new.place.is_same_file(self.place) {
            return Err(ErrorKind::NotFound.into());
        }
        let (known, seen, last) = (self.known, self.seen, self.last);
        Ok(Self { known, seen, last, purges: self.purges.clone(), ..new })
    }

    /// Closes the file until its next use: until it is [opened again](Self::reopen), each operation
    /// fails as if the program had closed the file.
    pub fn close_for_now(&mut self) {
        self.file = None;
    }

    fn glance(&self) -> io::Result<Glance> {
        self.file()?.glance()
    }

    fn file(&self) -> io::Result<&dyn Handle> {
        self.file.as_deref().ok_or_else(lost)
    }

    /// Returns what could not be read with `tail`, if anything.
    pub fn dropped(&self, tail: &Tail) -> Option<Dropped> {
        let (bytes, kept) = (tail.dropped, tail.changes.len());
        (bytes > 0).then(|| Dropped { path: self.path.clone(), bytes, kept })
    }

    /// Returns whether its path leads to it, as far as can be told.
    pub fn is_in_place(&self, fs: &dyn Fs) -> bool {
        match fs.status(&self.path) {
            Ok(found) => found.fingerprint.is_same_file(self.place),
            Err(error) => error.kind() != ErrorKind::NotFound,
        }
    }

    /// Returns whether it holds text, which no journal does: another program's file of this name.
    pub fn holds_text(&self) -> io::Result<bool> {
        let bytes = self.file()?.read(0, SAMPLE)?;
        let is_text = |text: &[u8]| match str::from_utf8(text) {
            Ok(_) => true,
            Err(error) => error.error_len().is_none(),
        };
        Ok(!bytes.is_empty() && !bytes.contains(&0) && is_text(&bytes))
    }

    /// Records what the last record that this process appended purges.
    pub fn note_purge(&mut self, purge: &Purge) {
        self.purges.note(self.last, purge);
    }

    /// Returns whether a purge of `key` begins at byte `from` or later, in what was read.
    pub fn is_purged(&self, key: &[u8], from: u64) -> bool {
        self.purges.concern(key, from)
    }

    /// Returns what it purges, as far as it was read.
    pub fn purged(&self) -> Option<Purged> {
        let (last, stripes) = self.purges.outline()?;
        Some(Purged { generation: self.generation, last, stripes })
    }

    /// Returns the purges that begin at byte `from` or later, in what was read.
    pub fn purges_since(&self, from: u64) -> impl Iterator<Item = &Purge> {
        self.purges.since(from)
    }

    /// Returns how many bytes of it were read.
    pub fn bytes(&self) -> u64 {
        self.known
    }

    /// Writes `self.buffer`, a whole record, after everything else. Returns what others had written
    /// before it; if that is sealed, the record does not count.
    ///
    /// # Errors
    /// If the record is not whole in the file. Its pieces, if any, are skipped as damage.
    pub fn append(&mut self) -> io::Result<Option<Box<Tail>>> {
        let result = self.write();
        if self.buffer.capacity() > KEPT_BUFFER {
            self.buffer = Vec::new();
        }
        result
    }

    fn write(&mut self) -> io::Result<Option<Box<Tail>>> {
        let (wanted, written) = (self.buffer.len(), self.file()?.append(&self.buffer)?);
        let end = self.file()?.position()?;
        let start = end.saturating_sub(written as u64);
        if written < wanted {
            self.pass_over(start, end);
            return Err(io::Error::from(ErrorKind::StorageFull));
        }
        // Boxed: nearly always there is none, and to hand on the room for one takes as long.
        let gap =
            (start != self.known).then(|| self.read(start, true).map(Box::new)).transpose()?;
        (self.last, self.known, self.seen) = (start, end, end);
        Ok(gap)
    }

    /// Skips half a record of our own, unless others wrote something before it.
    fn pass_over(&mut self, start: u64, end: u64) {
        if start == self.known {
            self.known = end;
            self.seen = end;
        }
    }

    /// Makes what was appended survive a loss of power.
    pub fn sync(&self) -> io::Result<()> {
        self.file()?.sync_data()
    }

    /// Returns whether nobody appended and the file was not removed, for a fraction of the price of
    /// a look.
    pub fn is_quiet(&self) -> bool {
        self.glance().is_ok_and(|glance| glance.size == self.seen && glance.links > 0)
    }

    /// Returns whether it was not removed.
    pub fn is_still_named(&self) -> bool {
        self.glance().is_ok_and(|glance| glance.links > 0)
    }

    /// Looks whether others appended since the last look: one system call if they did not.
    pub fn look(&mut self) -> io::Result<Look> {
        let Glance { size, links } = self.glance()?;
        self.is_named = links > 0;
        if size < self.known {
            return Ok(Look::Gone);
        }
        if size == self.seen {
            return Ok(if links == 0 { Look::Gone } else { Look::Same });
        }
        let tail = self.read(size, false)?;
        self.seen = size;
        // Our processes seal a journal before they remove it.
        Ok(if links == 0 && !tail.sealed { Look::Gone } else { Look::New(tail) })
    }

    /// Reads the bytes from `known` up to `end`.
    fn read(&mut self, end: u64, complete: bool) -> io::Result<Tail> {
        let piece = Bytes::from(self.file()?.read(self.known, end)?);
        let tail = scan(&piece, self.known, &mut self.purges, self.charset, complete);
        self.known += tail.consumed as u64;
        Ok(tail)
    }
}
