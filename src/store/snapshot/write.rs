//! Writing a snapshot: texts that are known to be sound are copied as they are.

use std::borrow::Cow;
use std::io::{self, BufWriter, Write};
use std::ops::Range;

use bytes::Bytes;

use super::format::Format;
use super::{annotated, flat, reserved};
use crate::error::{Error, Result};
use crate::store::entries::Chunk;
use crate::store::snapshot::Fact;
use crate::store::{Entries, EntryRun, Item};
use crate::value::escape::may_name_class;
use crate::value::normalise::normalise;
use crate::value::write::{Charset, Writer};

/// How many bytes are passed to the system at once: more costs page faults, less costs calls.
const BUFFER: usize = 256 * 1024;
/// Likewise for bytes that are in memory already.
const LINES: usize = 1024 * 1024;

/// The outcome of writing.
#[derive(Debug, Default)]
pub struct Written {
    /// How many results were written.
    pub entries: usize,
    /// The size of the file.
    pub bytes: u64,
    /// The keys of entries that were left out because a file may not hold them, and why.
    pub refused: Vec<(Bytes, Error)>,
}

/// Writes `entries` in their order as one file to `out`, which is flushed but not synced. Errors
/// are those of `out`; an entry that cannot be written is left out and listed.
pub fn write(
    out: &mut dyn Write,
    entries: &Entries,
    charset: Charset,
    format: Format,
) -> io::Result<Written> {
    let out = buffered(out)?;
    let writer = Writer::new(charset);
    let written = Written::default();
    let mut file = File {
        out,
        writer,
        charset,
        format,
        members: 0,
        is_ambiguous: false,
        has_classes: false,
        written,
    };
    file.put(b"{")?;
    for chunk in entries.chunks() {
        match chunk {
            Chunk::Item(item) if reserved::salt_of(item).is_some() => {}
            Chunk::Item(item) => file.item(item)?,
            Chunk::Run(run) => file.run(run)?,
        }
    }
    file.reserved(entries)?;
    file.end()?;
    Ok(file.written)
}

/// Returns `out` with a buffer. A `BufWriter` ends the process where there is no memory for one, so
/// that is asked for first.
fn buffered(out: &mut dyn Write) -> io::Result<BufWriter<&mut dyn Write>> {
    Vec::<u8>::new().try_reserve_exact(BUFFER).map_err(|_| io::ErrorKind::OutOfMemory)?;
    Ok(BufWriter::with_capacity(BUFFER, out))
}

struct File<'o> {
    out: BufWriter<&'o mut dyn Write>,
    /// Holds what surrounds the value of the next member.
    writer: Writer,
    charset: Charset,
    format: Format,
    members: usize,
    /// Whether an entry of a flat file could be taken for the last line of an annotated one.
    is_ambiguous: bool,
    /// Whether a value of a flat file may be an instance of a class.
    has_classes: bool,
    written: Written,
}

impl File<'_> {
    fn item(&mut self, item: &Item) -> io::Result<()> {
        let text = if item.sound {
            Ok(Cow::Borrowed(&item.text[..]))
        } else {
            normalise(&item.text, self.charset)
        };
        match text.and_then(|text| self.begin(&item.key).map(|()| text)) {
            Ok(text) => {
                self.written.entries += 1;
                self.is_ambiguous |= reserved::is_like_line_key(&item.key);
                self.entry(&text, item)
            }
            Err(error) => {
                self.written.refused.push((item.key.clone(), error));
                Ok(())
            }
        }
    }

    /// Puts `key` into `writer`.
    fn begin(&mut self, key: &[u8]) -> Result<()> {
        self.writer.clear();
        match self.format {
            Format::Flat => self.writer.wtf8(key)?,
            Format::Annotated => self.writer.wtf8(&reserved::spell(key))?,
        }
        self.writer.colon();
        Ok(())
    }

    /// Writes the entry of `item`, whose key is in `writer`.
    fn entry(&mut self, text: &[u8], item: &Item) -> io::Result<()> {
        if self.format == Format::Flat {
            self.has_classes = self.has_classes || may_name_class(text);
            return self.member(text);
        }
        let (before, value) = annotated::head(text);
        self.writer.raw(before);
        self.member(value)?;
        self.writer.clear();
        annotated::put_tail(item.created, &item.notes, &mut self.writer);
        self.put_writer()
    }

    /// Writes entries of a file: runs of them that are as we write them are copied whole.
    fn run(&mut self, run: &EntryRun) -> io::Result<()> {
        let mut lines = CopiedLines { file: run.file.text(), span: 0..0 };
        self.is_ambiguous |= run.file.is_ambiguous;
        for at in run.range.clone() {
            let Some(line) = self.line(run, at) else {
                self.lines(&mut lines)?;
                self.item(&run.item(at))?;
                continue;
            };
            self.written.entries += 1;
            if !lines.goes_on(&line) {
                self.lines(&mut lines)?;
                self.separate()?;
                lines.span = line;
            }
        }
        self.lines(&mut lines)
    }

    /// Returns where an entry is in the file of `run`, if it is as we would write it.
    fn line(&mut self, run: &EntryRun, at: usize) -> Option<Range<usize>> {
        let file = &*run.file;
        let value = &file.text()[file.value(at)];
        let ours = matches!(normalise(value, self.charset), Ok(Cow::Borrowed(_)));
        let same = ours && file.format == self.format;
        let timed = self.format == Format::Flat || annotated::has_time(value);
        if !same || !timed {
            return None;
        }
        let needs_look = file.is_before_classes || !self.has_classes;
        if self.format == Format::Flat && needs_look && may_name_class(value) {
            if file.is_before_classes {
                return None;
            }
            self.has_classes = true;
        }
        file.line(at)
    }

    /// Writes the collected lines.
    fn lines(&mut self, lines: &mut CopiedLines<'_>) -> io::Result<()> {
        self.put(&lines.file[std::mem::take(&mut lines.span)])
    }

    /// Writes the reserved member; in a flat file, only if it is needed.
    fn reserved(&mut self, entries: &Entries) -> io::Result<()> {
        let salt = entries.items().find_map(reserved::salt_of);
        self.writer.clear();
        if self.format == Format::Annotated {
            reserved::put_line(salt.as_deref(), &mut self.writer);
            return self.member(b"");
        }
        let mut facts = entries.facts().peekable();
        if facts.peek().is_some() {
            return self.facts(salt.as_deref(), facts);
        }
        if salt.is_none() && !self.is_ambiguous && !self.has_classes {
            return Ok(());
        }
        let version = if self.has_classes { flat::WITH_CLASSES } else { flat::PLAIN };
        reserved::put_meta(version, salt.as_deref(), &mut self.writer);
        self.member(b"")
    }

    /// Writes the reserved member of a flat file with what is known of entries.
    fn facts<'e>(
        &mut self,
        salt: Option<&str>,
        facts: impl Iterator<Item = Fact<'e>>,
    ) -> io::Result<()> {
        let version = if self.has_classes { flat::WITH_CLASSES } else { flat::WITH_ENTRIES };
        flat::put_head(version, salt, &mut self.writer);
        self.member(b"")?;
        for (number, (key, created, notes)) in facts.enumerate() {
            self.writer.clear();
            self.writer.raw(if number == 0 { b"\n    " } else { b",\n    " });
            flat::put_facts(&key, created, &notes, &mut self.writer);
            self.put_writer()?;
        }
        self.put(b"\n  }\n}")
    }

    /// Writes the contents of `writer` and `text` as the next line.
    fn member(&mut self, text: &[u8]) -> io::Result<()> {
        self.separate()?;
        self.put_writer()?;
        self.put(text)
    }

    fn put_writer(&mut self) -> io::Result<()> {
        self.written.bytes += self.writer.as_bytes().len() as u64;
        self.out.write_all(self.writer.as_bytes())
    }

    /// Writes what precedes a member.
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

/// Consecutive members of a file that are just as they are to be written.
struct CopiedLines<'f> {
    file: &'f [u8],
    span: Range<usize>,
}

impl CopiedLines<'_> {
    /// Adds the next member, if only our separator precedes it. A long run is written while it is
    /// in the CPU's cache.
    fn goes_on(&mut self, line: &Range<usize>) -> bool {
        let between = self.file.get(self.span.end..line.start);
        let goes_on = !self.span.is_empty() && self.span.len() < LINES && between == Some(b",\n");
        if goes_on {
            self.span.end = line.end;
        }
        goes_on
    }
}
