//! Rewrites a value as one line of strict JSON.

use std::borrow::Cow;

use super::MAX_DEPTH;
use super::check::check;
use super::nesting::Shape;
use super::text::utf8;
use super::token::{Body, Kind, Number};
use super::walk::{Visit, walk};
use super::write::{Charset, Writer};
use crate::error::{Error, Result};

/// Returns the value of `text` as strict JSON in one line and in `charset`; borrowed if `text` is
/// that already. `NaN` and its like become tagged values. Fails if `text` is not JSON.
pub fn normalise(text: &[u8], charset: Charset) -> Result<Cow<'_, [u8]>> {
    let found = check(text)?;
    let foreign = found.non_ascii && charset == Charset::Ascii;
    if !found.loose && !foreign {
        return Ok(Cow::Borrowed(text));
    }
    let mut copy = Copy { out: Writer::new(charset), depth: 0 };
    walk(utf8(text)?, &mut copy)?;
    Ok(Cow::Owned(copy.out.as_bytes().to_vec()))
}

/// A visitor that writes what it meets.
struct Copy {
    out: Writer,
    depth: usize,
}

impl Copy {
    fn body(&mut self, body: Body<'_>) {
        self.out.raw(b"\"");
        self.out.escaped_body(body.raw);
        self.out.raw(b"\"");
    }
}

impl<'t> Visit<'t> for Copy {
    type Error = Error;

    fn null(&mut self) -> Result<()> {
        self.out.null();
        Ok(())
    }

    fn bool(&mut self, value: bool) -> Result<()> {
        self.out.bool(value);
        Ok(())
    }

    fn number(&mut self, number: Number<'t>) -> Result<()> {
        match number.kind {
            // The tag adds one level.
            Kind::NonFinite(_) if self.depth == MAX_DEPTH => {
                return Err(Error::TooDeep { limit: MAX_DEPTH });
            }
            Kind::NonFinite(value) => self.out.float(value),
            Kind::Small(_) | Kind::Int | Kind::Float => self.out.digits(number.text),
        }
        Ok(())
    }

    fn string(&mut self, body: Body<'t>) -> Result<()> {
        self.body(body);
        Ok(())
    }

    fn key(&mut self, body: Body<'t>) -> Result<()> {
        self.body(body);
        self.out.colon();
        Ok(())
    }

    fn open(&mut self, shape: Shape) -> Result<()> {
        self.depth += 1;
        match shape {
            Shape::List => self.out.begin_list(),
            Shape::Dict => self.out.begin_dict(),
        }
        Ok(())
    }

    fn comma(&mut self) -> Result<()> {
        self.out.comma();
        Ok(())
    }

    fn close(&mut self, shape: Shape) -> Result<()> {
        self.depth -= 1;
        match shape {
            Shape::List => self.out.end_list(),
            Shape::Dict => self.out.end_dict(),
        }
        Ok(())
    }
}
