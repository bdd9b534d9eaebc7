//! From a JSON text to the caller's nodes, in one pass.

use std::vec::Drain;

use super::nesting::Shape;
use super::text::{Text, unescape, utf8};
use super::token::{Body, Kind, Number};
use super::walk::{Visit, walk};
use crate::error::Error;

/// Makes nodes of the contents of a text.
///
/// Nodes of finished values wait on one stack; a list or dict drains its own, so that its size is
/// known before it is made.
pub trait Build {
    /// The node of a value.
    type Node;
    /// The errors; a bad text is one of them.
    type Error: From<Error>;

    /// `null`.
    fn null(&mut self) -> Result<Self::Node, Self::Error>;
    /// `true` or `false`.
    fn bool(&mut self, value: bool) -> Result<Self::Node, Self::Error>;
    /// An integer that fits.
    fn int64(&mut self, value: i64) -> Result<Self::Node, Self::Error>;
    /// An integer that does not fit in an `i64`: a sign if it is negative, and decimal digits.
    fn int(&mut self, digits: &str) -> Result<Self::Node, Self::Error>;
    /// A number with a fraction or an exponent, correctly rounded; Python's `NaN` and `Infinity`.
    fn float(&mut self, value: f64) -> Result<Self::Node, Self::Error>;
    /// A string.
    fn str(&mut self, text: Text<'_>) -> Result<Self::Node, Self::Error>;
    /// A dict's key; its value comes next.
    fn key(&mut self, text: Text<'_>) -> Result<Self::Node, Self::Error>;
    /// A list of all `items`, nested in `depth` others.
    fn list(
        &mut self,
        items: Drain<'_, Self::Node>,
        depth: usize,
    ) -> Result<Self::Node, Self::Error>;
    /// A dict of `members`: key, value, key, value. A key may come twice: the last one counts. It
    /// is nested in `depth` others. `marked` says that there is one member only and its key begins
    /// with `$`, so that it may be a tagged value.
    fn dict(
        &mut self,
        members: Drain<'_, Self::Node>,
        depth: usize,
        marked: bool,
    ) -> Result<Self::Node, Self::Error>;
}

/// Parses the one value in `text`, nested at most [`MAX_DEPTH`](super::MAX_DEPTH) levels deep.
#[expect(clippy::missing_panics_doc, reason = "a walk that succeeds has met one value")]
pub fn parse<B: Build>(text: &[u8], build: &mut B) -> Result<B::Node, B::Error> {
    let text = utf8(text)?;
    let mut stack = Stack {
        build,
        nodes: Vec::with_capacity(64),
        open: Vec::with_capacity(8),
        buf: Vec::new(),
        ascii: text.is_ascii(),
    };
    walk(text, &mut stack)?;
    Ok(stack.nodes.pop().expect("a walk that succeeds has met one value"))
}

/// An open list or dict.
struct Open {
    /// How many nodes there were before its first.
    start: usize,
    /// Whether its latest key begins with `$`.
    dollar: bool,
}

struct Stack<'b, B: Build> {
    build: &'b mut B,
    nodes: Vec<B::Node>,
    open: Vec<Open>,
    /// The buffer in which strings with escapes are decoded.
    buf: Vec<u8>,
    /// Whether the whole text is ASCII.
    ascii: bool,
}

impl<B: Build> Stack<'_, B> {
    #[inline]
    fn push(&mut self, node: Result<B::Node, B::Error>) -> Result<(), B::Error> {
        self.nodes.push(node?);
        Ok(())
    }

    /// Returns the text of `body`: itself, or its copy in `buf` without the escapes.
    #[inline]
    fn text<'s>(body: Body<'s>, ascii: bool, buf: &'s mut Vec<u8>) -> Text<'s> {
        if !body.escaped {
            let bytes = body.raw.as_bytes();
            return Text { bytes, ascii: ascii || bytes.is_ascii() };
        }
        buf.clear();
        unescape(body.raw.as_bytes(), buf);
        Text { ascii: buf.is_ascii(), bytes: buf }
    }
}

impl<'t, B: Build> Visit<'t> for Stack<'_, B> {
    type Error = B::Error;

    #[inline]
    fn null(&mut self) -> Result<(), B::Error> {
        let node = self.build.null();
        self.push(node)
    }

    #[inline]
    fn bool(&mut self, value: bool) -> Result<(), B::Error> {
        let node = self.build.bool(value);
        self.push(node)
    }

    #[inline]
    fn number(&mut self, number: Number<'t>) -> Result<(), B::Error> {
        let node = match number.kind {
            Kind::Small(value) => self.build.int64(value),
            Kind::Int => match number.text.parse() {
                Ok(value) => self.build.int64(value),
                Err(_) => self.build.int(number.text),
            },
            Kind::Float => self.build.float(number.text.parse().expect("JSON's floats are Rust's")),
            Kind::NonFinite(value) => self.build.float(value),
        };
        self.push(node)
    }

    #[inline]
    fn string(&mut self, body: Body<'t>) -> Result<(), B::Error> {
        let node = self.build.str(Self::text(body, self.ascii, &mut self.buf));
        self.push(node)
    }

    #[inline]
    fn key(&mut self, body: Body<'t>) -> Result<(), B::Error> {
        let text = Self::text(body, self.ascii, &mut self.buf);
        if let Some(open) = self.open.last_mut() {
            open.dollar = text.bytes.first() == Some(&b'$');
        }
        let node = self.build.key(text);
        self.push(node)
    }

    #[inline]
    fn open(&mut self, _: Shape) -> Result<(), B::Error> {
        self.open.push(Open { start: self.nodes.len(), dollar: false });
        Ok(())
    }

    #[inline]
    fn comma(&mut self) -> Result<(), B::Error> {
        Ok(())
    }

    fn close(&mut self, shape: Shape) -> Result<(), B::Error> {
        let open = self.open.pop().expect("the walk closes only what it opened");
        let (nodes, depth) = (self.nodes.drain(open.start..), self.open.len());
        let node = match shape {
            Shape::List => self.build.list(nodes, depth),
            Shape::Dict => {
                let marked = open.dollar && nodes.len() == 2;
                self.build.dict(nodes, depth, marked)
            }
        };
        self.push(node)
    }
}
