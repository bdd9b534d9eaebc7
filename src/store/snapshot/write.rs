//! Writing a snapshot: texts that are known to be sound are copied as they are.

use std::borrow::Cow;
use std::io::{self, BufWriter, Write};

use bytes::Bytes;

use super::meta;
use crate::error::{Error, Result};
use crate::store::{Item, RESERVED_KEY};
use crate::value::tidy::tidy;
use crate::value::write::{Charset, Writer};

/// How much is handed to the system at once: more costs page faults, less costs calls.
const BUFFER: usize = 256 * 1024;

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

/// Writes `items` in their order as one file to `out`, which is flushed but not synced.
/// Errors are those of `out`; an item that cannot be written is left out and listed.
pub fn write(out: &mut dyn Write, items: &[Item], charset: Charset) -> io::Result<Written> {
    let out = BufWriter::with_capacity(BUFFER, out);
    let mut file = File { out, writer: Writer::new(charset), members: 0, bytes: 0 };
    let mut written = Written::default();
    file.put(b"{")?;
    file.meta(items)?;
    for item in items.iter().filter(|item| meta::salt_of(item).is_none()) {
        match file.prepare(item, charset) {
            Ok(text) => {
                file.member(&text)?;
                written.entries += 1;
            }
            Err(error) => written.refused.push((item.key.clone(), error)),
        }
    }
    file.end()?;
    written.bytes = file.bytes;
    Ok(written)
}

struct File<'o> {
    out: BufWriter<&'o mut dyn Write>,
    /// Holds the key and the colon of the member to come.
    writer: Writer,
    members: usize,
    bytes: u64,
}

impl File<'_> {
    /// The reserved member, if it is needed.
    fn meta(&mut self, items: &[Item]) -> io::Result<()> {
        self.writer.clear();
        self.writer.str(RESERVED_KEY);
        self.writer.colon();
        match meta::write(items, &mut self.writer) {
            Some(()) => self.member(b""),
            None => Ok(()),
        }
    }

    /// Puts the key of `item` in `writer`; its text as the file will have it.
    fn prepare<'i>(&mut self, item: &'i Item, charset: Charset) -> Result<Cow<'i, [u8]>> {
        self.writer.clear();
        self.writer.wtf8(&item.key)?;
        self.writer.colon();
        if item.sound { Ok(Cow::Borrowed(&item.text)) } else { tidy(&item.text, charset) }
    }

    /// Writes what `writer` holds and `text` as one line.
    fn member(&mut self, text: &[u8]) -> io::Result<()> {
        let separator: &[u8] = if self.members == 0 { b"\n" } else { b",\n" };
        self.members += 1;
        self.put(separator)?;
        self.bytes += self.writer.as_bytes().len() as u64;
        self.out.write_all(self.writer.as_bytes())?;
        self.put(text)
    }

    fn end(&mut self) -> io::Result<()> {
        self.put(if self.members == 0 { b"}\n" } else { b"\n}\n" })?;
        self.out.flush()
    }

    #[inline]
    fn put(&mut self, text: &[u8]) -> io::Result<()> {
        self.bytes += text.len() as u64;
        self.out.write_all(text)
    }
}
