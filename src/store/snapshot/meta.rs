//! The reserved member: the format's version and when results were made.

use std::collections::HashMap;
use std::vec::Drain;

use crate::error::{Error, Result};
use crate::store::Item;
use crate::value::parse::{Build, parse};
use crate::value::text::Text;
use crate::value::write::Writer;

/// The version that is written.
const VERSION: i64 = 1;

/// When results were made, by key: seconds since the epoch.
pub(super) type Times = HashMap<Vec<u8>, f64>;

/// The times in a reserved member; `None` if `text` is not ours but somebody's result.
///
/// A version that we do not know is ours too: what looks like times is taken.
pub(super) fn read(text: &[u8]) -> Option<Times> {
    let Ok(Node::Dict(members)) = parse(text, &mut Shallow) else { return None };
    let mut ours = None;
    let mut times = Times::new();
    for (name, node) in members {
        match (name.as_slice(), node) {
            (b"version", _) => ours = Some(()),
            (b"times", Node::Dict(entries)) => times.extend(entries.into_iter().filter_map(time)),
            _ => {}
        }
    }
    ours.map(|()| times)
}

fn time((key, node): (Vec<u8>, Node)) -> Option<(Vec<u8>, f64)> {
    match node {
        Node::Number(seconds) if seconds.is_finite() => Some((key, seconds)),
        _ => None,
    }
}

/// The reserved member's value for `items`; `None` if none of their times must survive.
pub(super) fn write(items: &[Item], out: &mut Writer) -> Option<()> {
    let mut times = items.iter().filter_map(timed).peekable();
    times.peek()?;
    out.begin_dict();
    out.str("version");
    out.colon();
    out.int64(VERSION);
    out.comma();
    out.str("times");
    out.colon();
    out.begin_dict();
    let mut first = true;
    for (key, created) in times {
        member(key, created, &mut first, out);
    }
    out.end_dict();
    out.end_dict();
    Some(())
}

fn timed(item: &Item) -> Option<(&[u8], f64)> {
    let created = item.created.filter(|seconds| item.timed && seconds.is_finite())?;
    crate::value::text::is_wtf8(&item.key).then_some((&item.key, created))
}

fn member(key: &[u8], created: f64, first: &mut bool, out: &mut Writer) {
    if !std::mem::take(first) {
        out.comma();
    }
    out.wtf8(key).expect("only keys that are WTF-8 have come here");
    out.colon();
    out.float(created);
}

/// As much of a value as matters here.
enum Node {
    Text(Vec<u8>),
    Number(f64),
    Dict(Vec<(Vec<u8>, Node)>),
    Other,
}

struct Shallow;

impl Build for Shallow {
    type Node = Node;
    type Error = Error;

    fn null(&mut self) -> Result<Node> {
        Ok(Node::Other)
    }
    fn bool(&mut self, _: bool) -> Result<Node> {
        Ok(Node::Other)
    }
    fn int64(&mut self, value: i64) -> Result<Node> {
        self.int(&value.to_string())
    }
    fn int(&mut self, digits: &str) -> Result<Node> {
        Ok(digits.parse().map_or(Node::Other, Node::Number))
    }
    fn float(&mut self, value: f64) -> Result<Node> {
        Ok(Node::Number(value))
    }
    fn str(&mut self, text: Text<'_>) -> Result<Node> {
        Ok(Node::Text(text.bytes.to_vec()))
    }
    fn key(&mut self, text: Text<'_>) -> Result<Node> {
        self.str(text)
    }
    fn list(&mut self, _: Drain<'_, Node>) -> Result<Node> {
        Ok(Node::Other)
    }
    fn dict(&mut self, mut members: Drain<'_, Node>, _: bool) -> Result<Node> {
        let mut pairs = Vec::with_capacity(members.len() / 2);
        while let (Some(Node::Text(key)), Some(value)) = (members.next(), members.next()) {
            pairs.push((key, value));
        }
        Ok(Node::Dict(pairs))
    }
}
