//! The grammar of JSON, once: walks over a text and shows a visitor what it meets.
//!
//! NOTE: no recursion. The nesting is one bit for each level, so that a text of a million brackets
//! costs neither stack nor time.

use super::nesting::{Nesting, Shape};
use super::token::{Body, Cursor, Number};
use crate::error::Error;

/// A visitor of the tokens of a text, in their order. Its default methods ignore a token.
pub(super) trait Visit<'t> {
    type Error: From<Error>;
    fn null(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }
    fn bool(&mut self, _: bool) -> Result<(), Self::Error> {
        Ok(())
    }
    fn number(&mut self, _: Number<'t>) -> Result<(), Self::Error> {
        Ok(())
    }
    fn string(&mut self, _: Body<'t>) -> Result<(), Self::Error> {
        Ok(())
    }
    /// A member's key; its value comes next.
    fn key(&mut self, _: Body<'t>) -> Result<(), Self::Error> {
        Ok(())
    }
    fn open(&mut self, _: Shape) -> Result<(), Self::Error> {
        Ok(())
    }
    fn comma(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }
    fn close(&mut self, _: Shape) -> Result<(), Self::Error> {
        Ok(())
    }
}

/// Walks over the one value in `text`; returns whether it is loose (more than one line of strict
/// JSON).
pub(super) fn walk<'t, V: Visit<'t>>(text: &'t str, visit: &mut V) -> Result<bool, V::Error> {
    let mut walker = Walker { cursor: Cursor::new(text), open: Nesting::default(), visit };
    walker.value()?;
    walker.cursor.next_word();
    if !walker.cursor.at_end() {
        walker.cursor.fail("expected the end of the value")?;
    }
    Ok(walker.cursor.loose)
}

struct Walker<'t, 'v, V> {
    cursor: Cursor<'t>,
    open: Nesting,
    visit: &'v mut V,
}

impl<'t, V: Visit<'t>> Walker<'t, '_, V> {
    /// Takes one value with everything in it.
    fn value(&mut self) -> Result<(), V::Error> {
        loop {
            let complete = match self.cursor.next_word() {
                b'{' => self.open_dict()?,
                b'[' => self.open_list()?,
                first => {
                    self.scalar(first)?;
                    true
                }
            };
            if complete && !self.go_on()? {
                return Ok(());
            }
        }
    }

    #[inline]
    fn scalar(&mut self, first: u8) -> Result<(), V::Error> {
        match first {
            b'"' => self.visit.string(self.cursor.string()?),
            b'-' | b'0'..=b'9' | b'I' => self.visit.number(self.cursor.number()?),
            b't' => {
                self.cursor.word("true")?;
                self.visit.bool(true)
            }
            b'f' => {
                self.cursor.word("false")?;
                self.visit.bool(false)
            }
            b'n' => {
                self.cursor.word("null")?;
                self.visit.null()
            }
            b'N' => self.visit.number(self.cursor.nan()?),
            _ => Ok(self.cursor.fail("expected a value")?),
        }
    }

    /// Opens a list; returns whether it is complete already.
    fn open_list(&mut self) -> Result<bool, V::Error> {
        self.enter(Shape::List)?;
        Ok(self.cursor.next_word() == b']')
    }

    /// Opens a dict and takes its first key; returns whether it is complete already.
    fn open_dict(&mut self) -> Result<bool, V::Error> {
        self.enter(Shape::Dict)?;
        if self.cursor.next_word() == b'}' {
            return Ok(true);
        }
        self.key()?;
        Ok(false)
    }

    fn enter(&mut self, shape: Shape) -> Result<(), V::Error> {
        self.open.push(shape)?;
        self.cursor.step();
        self.visit.open(shape)
    }

    /// Takes a key and its colon.
    #[inline]
    fn key(&mut self) -> Result<(), V::Error> {
        if self.cursor.next_word() != b'"' {
            self.cursor.fail("expected a key in quotes")?;
        }
        let body = self.cursor.string()?;
        if self.cursor.next_word() != b':' {
            self.cursor.fail("expected a colon")?;
        }
        self.cursor.step();
        self.visit.key(body)
    }

    /// After a value: closes what ends here; returns whether another value follows.
    #[inline]
    fn go_on(&mut self) -> Result<bool, V::Error> {
        while let Some(shape) = self.open.top() {
            match (self.cursor.next_word(), shape) {
                (b',', _) => {
                    self.cursor.step();
                    self.visit.comma()?;
                    if shape == Shape::Dict {
                        self.key()?;
                    }
                    return Ok(true);
                }
                (b']', Shape::List) | (b'}', Shape::Dict) => {
                    self.cursor.step();
                    self.open.pop();
                    self.visit.close(shape)?;
                }
                _ => self.cursor.fail("expected a comma or the closing bracket")?,
            }
        }
        Ok(false)
    }
}
