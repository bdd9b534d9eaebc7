//! A second, careful look at a damaged file: every value is checked, and after damage reading
//! continues at the next place that is certain to be an entry of the file's own object.

use std::ops::Range;

use super::annotated::{self, Value};
use super::collect::Collector;
use super::damage::Damage;
use super::layout::Layout;
use super::scan::{After, Entry, Scanner, TOO_DEEP, at_end, first_entry, shift};
use crate::error::{Error, Result};
use crate::value::check::check;

/// How many times the file's length may be scanned in search of a place to continue.
const PATIENCE: usize = 8;

/// Passes everything intact in `text`, whose damage is `found`, to `into`; returns the damage.
pub(super) fn salvage(text: &[u8], found: &Error, into: &mut Collector) -> Damage {
    if let Some(what) = hopeless(text) {
        return Damage::new(what, 0, text);
    }
    let scanner = Scanner::new(text);
    let first = match first_entry(&scanner, text) {
        Ok(Some(first)) => Ok(first),
        Ok(None) => return damage(found, text),
        Err(error) => Err(error),
    };
    let layout = Layout::at(text, *first.as_ref().unwrap_or(&0));
    let mut reader = Careful { text, scanner, layout, looked: 0 };
    let broken = match first {
        Ok(first) => reader.head(first, into),
        Err(error) => Some(Broken { entry: 0, resume: 0, error }),
    };
    // The object is whole although the file is not: the first look knows better.
    let Some(broken) = broken else { return damage(found, text) };
    reader.tail(&broken, into);
    damage(&broken.error, text)
}

/// Returns the reason why nothing can be salvaged.
fn hopeless(text: &[u8]) -> Option<&'static str> {
    if text.iter().all(u8::is_ascii_whitespace) {
        return Some("the file is empty");
    }
    if text.iter().all(|&b| b == 0) {
        return Some("the file is filled with zeros");
    }
    let start = text.trim_ascii_start();
    if start.starts_with(b"[") && !has_key(&start[1..]) {
        return Some("the file holds a list, not an object");
    }
    (!start.starts_with(b"{") && check(text).is_ok()).then_some("the file holds no object")
}

/// Returns whether `text` begins like the inside of an object.
fn has_key(text: &[u8]) -> bool {
    let mut scanner = Scanner::new(text);
    scanner.entry(scanner.word(0)).is_ok()
}

fn damage(error: &Error, text: &[u8]) -> Damage {
    Damage::new(what_of(error), at_of(error), text)
}

/// Returns the finding of a check: a bad text or one that is too deep, nothing else.
fn what_of(error: &Error) -> &'static str {
    match error {
        Error::Syntax { what, .. } => what,
        _ => TOO_DEEP,
    }
}

fn at_of(error: &Error) -> usize {
    match error {
        Error::Syntax { at, .. } => *at,
        _ => 0,
    }
}

/// Consecutive entries without damage.
struct Run {
    entries: Vec<Entry>,
    end: End,
}

enum End {
    /// The closing bracket came; the place after it.
    Closed(usize),
    /// There is damage.
    Broken(Broken),
}

/// The first damage among the entries.
struct Broken {
    /// The start of the entry that shows it.
    entry: usize,
    /// Where to look again: the place after everything known to be right.
    resume: usize,
    error: Error,
}

struct Careful<'t> {
    text: &'t [u8],
    scanner: Scanner<'t>,
    /// The layout of the entries in this file; `None` if it does not help to find them.
    layout: Option<Layout<'t>>,
    /// How many bytes were scanned.
    looked: usize,
}

impl Careful<'_> {
    /// Takes the entries from `first` on to the first damage.
    fn head(&mut self, first: usize, into: &mut Collector) -> Option<Broken> {
        let Run { entries, end } = self.run(first);
        for entry in entries {
            into.add(self.text, &entry);
        }
        match end {
            End::Broken(broken) => Some(self.pinpoint(broken)),
            End::Closed(place) => {
                let error = at_end(&self.scanner, self.text, place).err()?;
                self.leftovers(place, into);
                let end = self.text.len();
                Some(Broken { entry: end, resume: end, error })
            }
        }
    }

    /// Takes what can be salvaged of the entries after the damage.
    fn tail(&mut self, broken: &Broken, into: &mut Collector) {
        // In a file that is cut off, the last bracket may close something inside the last entry,
        // and what leads up to it looks like the end of the file's object.
        if !self.sure() && at_of(&broken.error) >= self.text.len() {
            return;
        }
        for run in self.runs(broken.resume) {
            for entry in run.entries {
                into.add(self.text, &entry);
            }
        }
    }

    /// Finds where an entry that seems to have no end goes wrong, unless the file really ends
    /// there: a lost quote shows only when the grammar is checked.
    fn pinpoint(&self, broken: Broken) -> Broken {
        const LONGEST_WORD: usize = "-Infinity".len();
        if at_of(&broken.error) < self.text.len() {
            return broken;
        }
        let rest = [b"{", &self.text[broken.entry..]].concat();
        match check(&rest) {
            Err(error @ Error::Syntax { at, .. }) if at + LONGEST_WORD < rest.len() => {
                Broken { error: shift(&error, broken.entry - 1), ..broken }
            }
            _ => broken,
        }
    }

    /// Takes entries after the object's end, where a longer file was overwritten. They are older
    /// than those before.
    fn leftovers(&mut self, from: usize, into: &mut Collector) {
        if !self.sure() {
            return;
        }
        for run in self.runs(from) {
            for entry in run.entries {
                into.add_missing(self.text, &entry);
            }
        }
    }

    /// Returns whether entries can be distinguished from members of values.
    fn sure(&self) -> bool {
        self.layout.as_ref().is_some_and(|layout| layout.sure)
    }

    /// Returns whether another entry seems to begin inside a value.
    fn holds_entry(&self, value: &Range<usize>) -> bool {
        let layout = self.layout.as_ref();
        layout.is_some_and(|layout| layout.has_entry(self.text, value.start, value.end))
    }

    /// Returns where the next entry may begin.
    fn next_entry(&self, from: usize) -> Option<usize> {
        self.layout.as_ref()?.next_entry(self.text, from)
    }

    /// Returns all runs from `from` on that are certain to be of the file's own object.
    fn runs(&mut self, from: usize) -> Vec<Run> {
        let mut runs = Vec::new();
        let mut at = from;
        let limit = self.looked + PATIENCE * self.text.len();
        while let Some(start) = self.next_entry(at).filter(|_| self.looked <= limit) {
            let run = self.run(start);
            let accepted = self.sure() || self.closes_the_file(&run);
            at = if accepted { run.reached().max(start + 1) } else { start + 1 };
            if accepted {
                runs.push(run);
            }
        }
        runs
    }

    /// Returns whether the run extends to the last byte of the file's object: nothing inside a
    /// value does.
    fn closes_the_file(&self, run: &Run) -> bool {
        matches!(run.end, End::Closed(place) if at_end(&self.scanner, self.text, place).is_ok())
    }

    /// Takes entries from `start` on as long as they are intact.
    fn run(&mut self, start: usize) -> Run {
        let mut entries = Vec::new();
        let mut at = start;
        loop {
            let entry = match self.entry(at) {
                Ok(entry) => entry,
                Err(error) => return Run::broken(entries, at, at + 1, error),
            };
            let after = self.scanner.after(entry.value.end);
            if self.is_split_number(&entry) {
                let error = self.cut(entry.value.end);
                return Run::broken(entries, at, entry.value.end, error);
            }
            match after {
                After::Comma(next) => {
                    entries.push(entry);
                    at = next;
                }
                After::Close(place) => {
                    entries.push(entry);
                    return Run { entries, end: End::Closed(place) };
                }
                After::Other(place) => {
                    entries.extend(self.complete(entry, place));
                    return Run::broken(entries, at, place, self.cut(place));
                }
            }
        }
    }

    /// Returns the entry at `at`, with key and value checked.
    fn entry(&mut self, at: usize) -> Result<Entry> {
        let entry = self.scanner.entry(at);
        let end = entry.as_ref().map_or_else(at_of, |entry| entry.value.end);
        self.looked += end.saturating_sub(at);
        let entry = entry?;
        let (key, value) = (at..entry.key.end + 1, entry.value.clone());
        check(&self.text[key.clone()]).map_err(|error| shift(&error, key.start))?;
        check_entry(&self.text[value.clone()]).map_err(|error| shift(&error, value.start))?;
        if self.sure() && self.holds_entry(&value) {
            return Err(Error::Syntax { what: "an entry without an end", at });
        }
        Ok(entry)
    }

    /// Returns whether a number may be incomplete: the comma or bracket after it is where no writer
    /// puts one, so that it may have been a digit.
    fn is_split_number(&self, entry: &Entry) -> bool {
        let end = entry.value.end;
        let number = self.text[end - 1].is_ascii_digit();
        let rest = self.text.get(end + 1).copied().unwrap_or(0);
        number
            && match self.scanner.byte(end) {
                b',' => !matches!(rest, b'"' | b'}' | 0) && !rest.is_ascii_whitespace(),
                b'}' => rest != 0 && !rest.is_ascii_whitespace(),
                _ => false,
            }
    }

    /// Returns the error for neither a comma nor a bracket at `place`.
    fn cut(&self, place: usize) -> Error {
        let what = match self.text.get(place) {
            None => "the file is cut off",
            Some(0) => "the file goes on with zeros",
            Some(_) => "bytes that belong to no entry",
        };
        Error::Syntax { what, at: place }
    }

    /// Returns the last entry before a cut at `place`, if nothing of its value can be missing.
    fn complete(&self, entry: Entry, place: usize) -> Option<Entry> {
        let cut = matches!(self.text.get(place), None | Some(0));
        let last = self.text[entry.value.clone()].last()?;
        let may_go_on = last.is_ascii_digit() && place == entry.value.end;
        (cut && !may_go_on).then_some(entry)
    }
}

/// Checks the value of an entry; one with notes may be one level deeper than a value.
fn check_entry(text: &[u8]) -> Result<()> {
    match check(text) {
        Err(error @ Error::TooDeep { .. }) => match annotated::read(text).value {
            Value::Result(value) => check(value).map(drop),
            _ => Err(error),
        },
        checked => checked.map(drop),
    }
}

impl Run {
    fn broken(entries: Vec<Entry>, entry: usize, resume: usize, error: Error) -> Self {
        Self { entries, end: End::Broken(Broken { entry, resume, error }) }
    }

    /// Returns how far the run was scanned.
    fn reached(&self) -> usize {
        match &self.end {
            End::Closed(place) => *place,
            End::Broken(broken) => broken.resume,
        }
    }
}
