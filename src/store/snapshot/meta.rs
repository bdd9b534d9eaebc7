//! The reserved member: the format's version, when results were made, and the salt of secrets.
//!
//! The salt is what digests of secret arguments are keyed with. It is made when the first secret
//! comes. In the file it stands here; in the journal, and among the items of a store, it is an item
//! of its own under the reserved key, whose text is a reserved member with nothing but the salt.

use std::borrow::Cow;
use std::collections::HashMap;
use std::vec::Drain;

use bytes::Bytes;

use crate::error::{Error, Result};
use crate::store::{Entries, Item, RESERVED_KEY};
use crate::value::parse::{Build, parse};
use crate::value::text::Text;
use crate::value::write::{Charset, Writer};

/// The version that is written.
const VERSION: i64 = 1;

/// When results were made, by key: seconds since the epoch.
pub(super) type Times = HashMap<Vec<u8>, f64>;

/// What a reserved member says.
#[derive(Debug, Default)]
pub(super) struct Meta {
    pub(super) times: Times,
    pub(super) salt: Option<String>,
}

/// The item that stands for `salt`.
pub fn salt_item(salt: &str) -> Item {
    let mut text = Writer::new(Charset::Ascii);
    begin(&mut text);
    put_salt(salt, &mut text);
    text.end_dict();
    Item {
        key: Bytes::from_static(RESERVED_KEY.as_bytes()),
        text: Bytes::copy_from_slice(text.as_bytes()),
        sound: true,
        created: None,
        timed: false,
    }
}

/// The salt that `item` stands for; `None` if it is a result like any other.
pub fn salt_of(item: &Item) -> Option<String> {
    (item.key == RESERVED_KEY).then(|| read(&item.text)?.salt).flatten()
}

/// What a reserved member says; `None` if `text` is not ours but somebody's result.
///
/// A version that we do not know is ours too: what looks like times is taken.
pub(super) fn read(text: &[u8]) -> Option<Meta> {
    let Ok(Node::Dict(members)) = parse(text, &mut Shallow) else { return None };
    let mut ours = None;
    let mut meta = Meta::default();
    for (name, node) in members {
        match (name.as_slice(), node) {
            (b"version", _) => ours = Some(()),
            (b"times", Node::Dict(entries)) => {
                meta.times.extend(entries.into_iter().filter_map(time));
            }
            (b"salt", Node::Text(salt)) => meta.salt = String::from_utf8(salt).ok(),
            _ => {}
        }
    }
    ours.map(|()| meta)
}

fn time((key, node): (Vec<u8>, Node)) -> Option<(Vec<u8>, f64)> {
    match node {
        Node::Number(seconds) if seconds.is_finite() => Some((key, seconds)),
        _ => None,
    }
}

/// The reserved member's value for `entries`; `None` if it would say nothing.
pub(super) fn write(entries: &Entries, out: &mut Writer) -> Option<()> {
    let salt = entries.items().find_map(salt_of);
    let mut times = entries.times().filter(can_be_written).peekable();
    if salt.is_none() {
        times.peek()?;
    }
    begin(out);
    if let Some(salt) = salt {
        put_salt(&salt, out);
    }
    if times.peek().is_some() {
        put_times(times, out);
    }
    out.end_dict();
    Some(())
}

fn begin(out: &mut Writer) {
    out.begin_dict();
    out.str("version");
    out.colon();
    out.int64(VERSION);
}

fn put_salt(salt: &str, out: &mut Writer) {
    out.comma();
    out.str("salt");
    out.colon();
    out.str(salt);
}

fn put_times<'i>(times: impl Iterator<Item = (Cow<'i, [u8]>, f64)>, out: &mut Writer) {
    out.comma();
    out.str("times");
    out.colon();
    out.begin_dict();
    let mut first = true;
    for (key, created) in times {
        member(&key, created, &mut first, out);
    }
    out.end_dict();
}

fn can_be_written((key, created): &(Cow<'_, [u8]>, f64)) -> bool {
    created.is_finite() && crate::value::text::is_wtf8(key)
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
