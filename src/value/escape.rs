//! Texts from before classes were stored: a real dict in them may look like an instance.

use memchr::memmem;

use super::nesting::Shape;
use super::tag::is_class_like;
use super::text::{unescape, utf8};
use super::token::Body;
use super::walk::{Visit, walk};
use crate::error::{Error, Result};

/// Returns whether a text may hold a key that stands for a class, escaped or not: a reader that
/// knows no classes would take it for another value.
pub fn may_name_class(text: &[u8]) -> bool {
    // Few texts hold a dollar or a backslash at all; those are searched from dollar to dollar.
    let Some(mut at) = memchr::memchr2(b'$', b'\\', text) else { return false };
    let first = at;
    while let Some(found) = memchr::memchr(b'$', &text[at..]) {
        at += found + 1;
        let end = memchr::memchr(b'"', &text[at..]).map_or(text.len(), |end| at + end);
        if memchr::memchr(b':', &text[at..end]).is_some() {
            return true;
        }
    }
    // Likewise, most hold no backslash.
    memchr::memchr(b'\\', &text[first..])
        .is_some_and(|found| memmem::find(&text[first + found..], b"\\u0024").is_some())
}

/// Returns the text with each dict escaped that looks like an instance of a class; `None` if there
/// is none, or the text is not JSON.
pub fn escape_classes(text: &[u8]) -> Option<Vec<u8>> {
    let text = utf8(text).ok()?;
    let mut finder = Finder { text, open: Vec::new(), found: Vec::new() };
    walk(text, &mut finder).ok()?;
    if finder.found.is_empty() {
        return None;
    }
    finder.found.sort_unstable();
    let mut escaped = Vec::with_capacity(text.len() + finder.found.len());
    let mut from = 0;
    for at in finder.found {
        escaped.extend_from_slice(&text.as_bytes()[from..at]);
        escaped.push(b'$');
        from = at;
    }
    escaped.extend_from_slice(&text.as_bytes()[from..]);
    Some(escaped)
}

/// An open list or dict: where its key begins if it looks like a class, and whether it is the only
/// one.
#[derive(Default)]
struct Open {
    key: Option<usize>,
    keys: usize,
}

/// A visitor that records where keys begin that must be escaped.
struct Finder<'t> {
    text: &'t str,
    open: Vec<Open>,
    found: Vec<usize>,
}

impl<'t> Visit<'t> for Finder<'t> {
    type Error = Error;

    fn key(&mut self, body: Body<'t>) -> Result<()> {
        let mut plain = Vec::new();
        unescape(body.raw.as_bytes(), &mut plain);
        let at = body.raw.as_ptr().addr() - self.text.as_ptr().addr();
        if let Some(open) = self.open.last_mut() {
            open.keys += 1;
            open.key = is_class_like(&plain).then_some(at);
        }
        Ok(())
    }

    fn open(&mut self, _: Shape) -> Result<()> {
        self.open.push(Open::default());
        Ok(())
    }

    fn close(&mut self, _: Shape) -> Result<()> {
        if let Some(Open { key: Some(at), keys: 1 }) = self.open.pop() {
            self.found.push(at);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{escape_classes, may_name_class};

    /// A dict of one member whose key looks like a class gets one more dollar; nothing else does.
    #[test]
    fn dicts_like_classes_are_escaped() {
        for (text, wanted) in [
            (r#"{"$a:b": 1}"#, Some(r#"{"$$a:b": 1}"#)),
            (r#"[{"$$a:b": {"$c:d": []}}, 5]"#, Some(r#"[{"$$$a:b": {"$$c:d": []}}, 5]"#)),
            (r#"{"\u0024a:b": 1}"#, Some(r#"{"$\u0024a:b": 1}"#)),
            (r#"{"$a:b": 1, "c": 2}"#, None),
            (r#"{"$tuple": ["$a:b"]}"#, None),
            (r#"{"$a:b": "#, None),
        ] {
            let escaped = escape_classes(text.as_bytes());
            assert_eq!(escaped.as_deref(), wanted.map(str::as_bytes), "{text}");
            assert!(wanted.is_none() || may_name_class(text.as_bytes()), "{text}");
        }
        assert!(!may_name_class(br#"{"a": "5 $", "$ref": "b", "c:d": 1}"#));
    }
}
