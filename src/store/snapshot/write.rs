//! Writing a snapshot: texts that are known to be sound are copied as they are.

use std::borrow::Cow;
use std::io::{self, BufWriter, Write};
use std::ops::Range;

use bytes::Bytes;

use super::meta;
use crate::error::{Error, Result};
use crate::store::entries::Chunk;
use crate::store::{Entries, EntryRun, Item, RESERVED_KEY};
use crate::value::tidy::tidy;
use crate::value::write::{Charset, Writer};

/// How much is handed to the system at once: more costs page faults, less costs calls.
const BUFFER: usize = 256 * 1024;
/// How much of what is in memory already.
const LINES: usize = 1024 * 1024;

/// What was written.
#[derive(Debug, Default)]
pub struct Written {
    /// How many results.
    pub entries: usize,
    /// The size of the file.
    pub bytes: u64,
    /// The keys of items that were left out because they are not what a file may hold, and why.
    pub refused: Vec<(Bytes, Error)>,
}

/// Writes `entries` in their order as one file to `out`, which is flushed but not synced.
/// Errors are those of `out`; an entry that cannot be written is left out and listed.
pub fn write(out: &mut dyn Write, entries: &Entries, charset: Charset) -> io::Result<Written> {
    let out = BufWriter::with_capacity(BUFFER, out);
    let writer = Writer::new(charset);
    let mut file = File { out, writer, charset, members: 0, written: Written::default() };
    file.put(b"{")?;
    file.meta(entries)?;
    for chunk in entries.chunks() {
        match chunk {
            Chunk::Item(item) if meta::salt_of(item).is_some() => {}
            Chunk::Item(item) => file.item(item)?,
            Chunk::Run(run) => file.run(run)?,
        }
    }
    file.end()?;
    Ok(file.written)
}

struct File<'o> {
    out: BufWriter<&'o mut dyn Write>,
    /// Holds the key and the colon of the member to come.
    writer: Writer,
    charset: Charset,
    members: usize,
    written: Written,
}

impl File<'_> {
    /// The reserved member, if it is needed.
    fn meta(&mut self, entries: &Entries) -> io::Result<()> {
        self.writer.clear();
        self.writer.str(RESERVED_KEY);
        self.writer.colon();
        match meta::write(entries, &mut self.writer) {
            Some(()) => self.member(b""),
            None => Ok(()),
        }
    }

    fn item(&mut self, item: &Item) -> io::Result<()> {
        let text = match self.begin(&item.key) {
            Ok(()) if item.sound => Ok(Cow::Borrowed(&item.text[..])),
            Ok(()) => tidy(&item.text, self.charset),
            Err(error) => Err(error),
        };
        self.result(&item.key, text)
    }

    /// Entries that a file holds: runs of them that stand there as we write them are copied whole.
    fn run(&mut self, run: &EntryRun) -> io::Result<()> {
        let (entries, charset) = (&*run.file, self.charset);
        let mut lines = CopiedLines { file: entries.text(), span: 0..0 };
        for at in run.range.clone() {
            let text = tidy(&lines.file[entries.value(at)], charset);
            if let (Ok(Cow::Borrowed(_)), Some(line)) = (&text, entries.line(at)) {
                self.written.entries += 1;
                if !lines.goes_on(&line) {
                    self.lines(&mut lines)?;
                    self.separate()?;
                    lines.span = line;
                }
                continue;
            }
            self.lines(&mut lines)?;
            let key = entries.key(at);
            let text = self.begin(&key).and(text);
            self.result(&key, text)?;
        }
        self.lines(&mut lines)
    }

    /// Writes what was gathered.
    fn lines(&mut self, lines: &mut CopiedLines<'_>) -> io::Result<()> {
        self.put(&lines.file[std::mem::take(&mut lines.span)])
    }

    /// Puts `key` in `writer`.
    fn begin(&mut self, key: &[u8]) -> Result<()> {
        self.writer.clear();
        self.writer.wtf8(key)?;
        self.writer.colon();
        Ok(())
    }

    /// Writes the result of `key`, which is in `writer`, or lists it as refused.
    fn result(&mut self, key: &[u8], text: Result<Cow<'_, [u8]>>) -> io::Result<()> {
        match text {
            Ok(text) => {
                self.written.entries += 1;
                self.member(&text)
            }
            Err(error) => {
                self.written.refused.push((Bytes::copy_from_slice(key), error));
                Ok(())
            }
        }
    }

    /// Writes what `writer` holds and `text` as one line.
    fn member(&mut self, text: &[u8]) -> io::Result<()> {
        self.separate()?;
        self.written.bytes += self.writer.as_bytes().len() as u64;
        self.out.write_all(self.writer.as_bytes())?;
        self.put(text)
    }

    /// Writes what stands before a member.
    fn separate(&mut self) -> io::Result<()> {
        let separator: &[u8] = if self.members == 0 { b"\n" } else { b",\n" };
        self.members += 1;
        self.put(separator)
    }

    fn end(&mut self) -> io::Result<()> {
        self.put(if self.members == 0 { b"}\n" } else { b"\n}\n" })?;
        self.out.flush()
    }

    #[inline]
    fn put(&mut self, text: &[u8]) -> io::Result<()> {
        self.written.bytes += text.len() as u64;
        self.out.write_all(text)
    }
}

/// Members that stand in a file one behind the other, just as they are to be written.
struct CopiedLines<'f> {
    file: &'f [u8],
    span: Range<usize>,
}

impl CopiedLines<'_> {
    /// Takes in the next member, if nothing but our separator is between. A long run is written while
    /// the CPU still has it at hand.
    fn goes_on(&mut self, line: &Range<usize>) -> bool {
        let between = self.file.get(self.span.end..line.start);
        let goes_on = !self.span.is_empty() && self.span.len() < LINES && between == Some(b",\n");
        if goes_on {
            self.span.end = line.end;
        }
        goes_on
    }
}
