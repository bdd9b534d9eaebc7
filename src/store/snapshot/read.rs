//! Reading a snapshot: fast if it is whole, with care if it is damaged.

use bytes::Bytes;

use super::collect::{Collected, Collector};
use super::damage::Damage;
use super::format::Format;
use super::salvage::salvage;
use super::scan::{After, Scanned, Scanner, at_end, first_entry, shift};
use crate::error::{Error, Result};
use crate::store::Items;
use crate::value::text::utf8;

/// The contents of a snapshot.
#[derive(Debug)]
pub struct Snapshot {
    /// All intact entries, each key once: the last value, in the place of the first. Keys and texts
    /// are slices of the file's buffer. In a whole file, the grammar inside the values is not
    /// checked yet; in a damaged one, it is.
    pub items: Items,
    /// The damage of the file, if there is any; the first one of several.
    pub damage: Option<Damage>,
    /// The format of the file; `None` if nothing in it shows it.
    pub format: Option<Format>,
    /// The number of its format, if that is one of a later version: then it holds no items.
    pub later: Option<u64>,
}

impl Snapshot {
    fn new(found: Collected, damage: Option<Damage>) -> Self {
        let Collected { entries, index, format, later, .. } = found;
        if later.is_some() {
            return Self { items: Items::default(), damage: None, format, later };
        }
        Self { items: Items::InFile(entries, index), damage, format, later }
    }
}

/// Reads a whole file. Never fails: everything intact is returned.
pub fn read(file: &Bytes) -> Snapshot {
    Reader::default().finish(file)
}

/// Reads a file as it arrives in pieces.
#[derive(Debug, Default)]
pub struct Reader {
    found: Collector,
    /// Where the next entry begins; 0 before the first.
    at: usize,
    /// How many bytes must have arrived before another look is worthwhile.
    wanted: usize,
}

impl Reader {
    /// Reads all entries that are whole in `text`, the part of the file that has arrived.
    pub fn advance(&mut self, text: &[u8]) {
        if text.len() < self.wanted {
            return;
        }
        // Whether it is damage, or only continues later, shows when the whole file is there.
        let _ = self.entries(text, false);
        // A longer entry is not looked at again for each piece.
        self.wanted = text.len() + (text.len() - self.at.min(text.len()));
    }

    /// Reads the rest, now that the whole `file` is there. Never fails: everything intact is
    /// returned.
    pub fn finish(mut self, file: &Bytes) -> Snapshot {
        let error = match self.entries(file, true) {
            Ok(()) => {
                let found = self.found.finish(file, false);
                let Some(at) = found.broken_line else { return Snapshot::new(found, None) };
                Error::Syntax { what: "the line that says the format is damaged", at }
            }
            Err(error) => error,
        };
        let mut intact = Collector::default();
        let damage = salvage(file, &error, &mut intact);
        Snapshot::new(intact.finish(file, true), Some(damage))
    }

    /// Reads entries up to the end, or up to the first that may continue after it.
    fn entries(&mut self, text: &[u8], whole: bool) -> Result<()> {
        let mut scanner = Scanner::new(text);
        if self.at == 0 {
            let Some(first) = first_entry(&scanner, text)? else { return Ok(()) };
            if first == text.len() && !whole {
                // What follows may be the end of an empty object.
                return Ok(());
            }
            self.at = first;
        }
        loop {
            let at = scanner.word(self.at);
            let Scanned { entry, wide } = scanner.scan(at)?;
            let end = entry.value.end;
            // Entry by entry, while it is in the cache; everything between entries is ASCII.
            let unproven = &text[at..if wide == 0 { entry.value.start } else { end }];
            if !unproven.is_ascii() {
                utf8(&text[at..end]).map_err(|error| shift(&error, at))?;
            }
            match scanner.after(end) {
                After::Comma(next) => self.at = next,
                After::Close(_) if !whole => return Ok(()),
                After::Close(behind) => {
                    self.found.add(text, &entry);
                    return at_end(&scanner, text, behind);
                }
                After::Other(place) => return scanner.fail("expected a comma", place),
            }
            self.found.add(text, &entry);
        }
    }
}
