//! The layout of a file's entries, guessed from the place of one, to find others after damage.

use memchr::memmem;

use super::scan::beginning;

/// Where entries of the file's own object begin.
pub(super) struct Layout<'t> {
    /// The line break and the white space before each entry; `None` if they share lines.
    line: Option<&'t [u8]>,
    /// Whether a place that looks like this cannot be inside a value.
    pub(super) sure: bool,
}

impl<'t> Layout<'t> {
    /// Guesses the layout from the entry at `entry`; `None` if that finds nothing.
    pub(super) fn at(text: &'t [u8], entry: usize) -> Option<Self> {
        let own = indentation(text, entry);
        let line = match own.filter(|_| text.get(entry) == Some(&b'"')) {
            Some(own) => Some(own),
            // Members of values are indented more than the damaged entry.
            None => outermost(text).filter(|line| own.is_none_or(|own| line.len() <= own.len())),
        };
        let sure = line.is_some_and(|line| line.len() > 1 || !breaks_values(text));
        // Without lines, only the file's end proves that a place is not inside a value.
        (sure || text.trim_ascii_end().ends_with(b"}")).then_some(Self { line, sure })
    }

    /// Returns whether an entry may begin between `start` and `end`.
    pub(super) fn has_entry(&self, text: &[u8], start: usize, end: usize) -> bool {
        // No further than `end`: otherwise each entry would search the whole file.
        self.next_entry(text.get(..end).unwrap_or(text), start).is_some()
    }

    /// Returns the first place from `from` on where an entry may begin.
    pub(super) fn next_entry(&self, text: &[u8], from: usize) -> Option<usize> {
        match self.line {
            Some(line) => next_line(text, from, line),
            None => next_member(text, from),
        }
    }
}

/// Returns the line break before `entry` and what is between them, if that is white space.
fn indentation(text: &[u8], entry: usize) -> Option<&[u8]> {
    let before = text.get(..entry)?;
    let start = memchr::memrchr(b'\n', before)?;
    before[start + 1..].iter().all(|b| matches!(b, b' ' | b'\t')).then(|| &before[start..])
}

/// Returns the least indentation of a line that begins with a quote.
fn outermost(text: &[u8]) -> Option<&[u8]> {
    let quoted = |start: usize| {
        let line = &text[start + 1..];
        let white = line.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
        (line.get(white) == Some(&b'"')).then(|| &text[start..=start + white])
    };
    memchr::memchr_iter(b'\n', text).filter_map(quoted).min_by_key(|line| line.len())
}

/// Returns whether values are broken into lines without indentation, as by Python's `indent=0`:
/// then a line inside a value looks like one of the object's own.
fn breaks_values(text: &[u8]) -> bool {
    let text = beginning(text);
    // A line break may follow the object's own bracket.
    let inside = text.get(1..).unwrap_or_default();
    let marks = ["{\n", "[\n", "{\r", "[\r", "\n]", "\n},"];
    // The reserved member of a flat file has lines of its own, but they are indented.
    let is_outermost = |end: usize| !matches!(inside.get(end), Some(b' ' | b'\t'));
    marks.iter().any(|mark| {
        memmem::find_iter(inside, mark.as_bytes()).any(|at| is_outermost(at + mark.len()))
    })
}

/// Returns the next line from `from` on that begins with `line` and a quote.
fn next_line(text: &[u8], from: usize, line: &[u8]) -> Option<usize> {
    let from = from.saturating_sub(line.len());
    memmem::find_iter(text.get(from..)?, line)
        .map(|found| from + found + line.len())
        .find(|&at| text.get(at) == Some(&b'"'))
}

/// Returns the next quote from `from` on that follows a comma.
fn next_member(text: &[u8], from: usize) -> Option<usize> {
    let follows_comma = |at: &usize| text[..*at].trim_ascii_end().ends_with(b",");
    memchr::memchr_iter(b'"', text.get(from..)?).map(|found| from + found).find(follows_comma)
}
