//! Where keys have no locks, there is nothing to keep apart.
#![expect(clippy::unused_self, reason = "it has the same face everywhere")]

use std::fs::File;
use std::io;

use super::shared::Map;
use super::{Taken, ranges};

/// Where this process stands: among the others.
#[derive(Debug)]
pub struct Standing;

/// What stands for a key that was taken.
#[derive(Clone, Copy, Debug)]
pub struct Mark;

impl Standing {
    pub fn alone(_: &File, _: Option<Map>) -> Self {
        Self
    }

    pub fn beside(_: &File, _: Option<Map>) -> Self {
        Self
    }

    pub fn is_blind(&self) -> bool {
        false
    }

    pub fn take(&mut self, file: &File, byte: u32) -> io::Result<Option<Mark>> {
        Ok((ranges::take_key(file, byte)? == Taken::Yes).then_some(Mark))
    }

    pub fn give(&mut self, file: &File, byte: u32, _: Mark) {
        ranges::give_key(file, byte);
    }

    pub fn leave(&mut self, _: &File) {}
}
