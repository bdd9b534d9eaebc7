//! Reading a snapshot: fast if it is whole, with care if it is damaged.

use bytes::Bytes;

use super::collect::Collector;
use super::damage::Damage;
use super::salvage::salvage;
use super::scan::{After, Scanner, shift};
use crate::error::{Error, Result};
use crate::store::Item;
use crate::value::text::utf8;

/// The mark that some editors put before UTF-8.
pub(super) const BOM: &[u8] = b"\xef\xbb\xbf";

/// What a snapshot holds.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// All intact entries, each key once: the last value, in the place of the first.
    /// Keys and texts are slices of the file's buffer. Of a whole file, the grammar inside the
    /// values is not checked yet; of a damaged one, it is.
    pub items: Vec<Item>,
    /// What is wrong with the file, if something is; the first thing if there are several.
    pub damage: Option<Damage>,
}

/// Reads a whole file. Never fails: what is intact is returned.
pub fn read(file: &Bytes) -> Snapshot {
    let mut whole = Collector::new(file);
    let Err(error) = entries(file, &mut whole) else {
        return Snapshot { items: whole.finish(), damage: None };
    };
    let mut intact = Collector::new(file);
    let damage = salvage(file, &error, &mut intact);
    Snapshot { items: intact.finish(), damage: Some(damage) }
}

/// Takes all entries of a whole file in.
fn entries(text: &[u8], into: &mut Collector<'_>) -> Result<()> {
    let mut scanner = Scanner::new(text);
    let Some(first) = first_entry(&scanner, text)? else { return Ok(()) };
    let mut at = first;
    loop {
        let entry = scanner.entry(at)?;
        // Entry by entry, while it is in the cache; what stands between entries is ASCII.
        utf8(&text[at..entry.value.end]).map_err(|error| shift(&error, at))?;
        let after = scanner.after(entry.value.end);
        into.add(&entry);
        match after {
            After::Comma(next) => at = next,
            After::Close(end) => return at_end(&scanner, text, end),
            After::Other(place) => return scanner.fail("expected a comma", place),
        }
    }
}

/// Where the first entry is; `None` if the object is empty.
pub(super) fn first_entry(scanner: &Scanner<'_>, text: &[u8]) -> Result<Option<usize>> {
    let start = scanner.word(if text.starts_with(BOM) { BOM.len() } else { 0 });
    if scanner.byte(start) != b'{' {
        return scanner.fail("expected an object", start);
    }
    let first = scanner.word(start + 1);
    if scanner.byte(first) != b'}' {
        return Ok(Some(first));
    }
    at_end(scanner, text, first + 1).map(|()| None)
}

/// Refuses anything but white space from `end` on.
pub(super) fn at_end(scanner: &Scanner<'_>, text: &[u8], end: usize) -> Result<()> {
    match scanner.word(end) {
        at if at < text.len() => {
            Err(Error::Syntax { what: "something follows the end of the object", at })
        }
        _ => Ok(()),
    }
}
