//! Whether a text is JSON, without building anything.

use super::text::utf8;
use super::token::{Body, Number};
use super::walk::{Shape, Visit, walk};
use crate::error::{Error, Result};

/// What a file of one strict entry a line would have to change in a text that is sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Soundness {
    /// There are characters beyond ASCII as they are, not as escapes.
    pub non_ascii: bool,
    /// There are line breaks or tabs between the words, or Python's `NaN` and `Infinity`.
    pub loose: bool,
}

/// Checks the one value in `text`: the same verdict as [`parse`](super::parse::parse).
pub fn check(text: &[u8]) -> Result<Soundness> {
    let text = utf8(text)?;
    let loose = walk(text, &mut Nobody)?;
    Ok(Soundness { non_ascii: !text.is_ascii(), loose })
}

/// A visitor who only wants to know how it ends.
struct Nobody;

impl<'t> Visit<'t> for Nobody {
    type Error = Error;
    fn null(&mut self) -> Result<()> {
        Ok(())
    }
    fn bool(&mut self, _: bool) -> Result<()> {
        Ok(())
    }
    fn number(&mut self, _: Number<'t>) -> Result<()> {
        Ok(())
    }
    fn string(&mut self, _: Body<'t>) -> Result<()> {
        Ok(())
    }
    fn key(&mut self, _: Body<'t>) -> Result<()> {
        Ok(())
    }
    fn open(&mut self, _: Shape) -> Result<()> {
        Ok(())
    }
    fn comma(&mut self) -> Result<()> {
        Ok(())
    }
    fn close(&mut self, _: Shape) -> Result<()> {
        Ok(())
    }
}
