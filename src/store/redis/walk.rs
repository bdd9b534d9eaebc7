//! A walk over keys of a server, in slices that keep nobody waiting.

use redis::Value;

use super::commands::{array, bytes, command, single};
use super::failure::Failure;

/// How many keys of the database one step looks at.
const SLICE: &[u8] = b"1000";

/// The way to a server: has it do commands, which are sent together, and gives a reply to each.
pub type Ask<'a> = dyn FnMut(&[u8], usize) -> Result<Vec<Value>, Failure> + 'a;

/// Has a server do commands, if there are any.
pub fn ask_some(ask: &mut Ask<'_>, commands: &[u8], replies: usize) -> Result<Vec<Value>, Failure> {
    if replies == 0 { Ok(Vec::new()) } else { ask(commands, replies) }
}

/// A walk over all keys that match a pattern.
#[derive(Debug)]
pub struct Walk {
    pattern: String,
    cursor: Vec<u8>,
    is_over: bool,
}

impl Walk {
    /// A walk that has not begun.
    pub fn new(pattern: String) -> Self {
        Self { pattern, cursor: b"0".to_vec(), is_over: false }
    }

    /// Returns the next keys, of which some may come twice; `None` after the last.
    pub fn next(&mut self, ask: &mut Ask<'_>) -> Result<Option<Vec<Vec<u8>>>, Failure> {
        if self.is_over {
            return Ok(None);
        }
        let arguments = [&self.cursor, &b"MATCH"[..], self.pattern.as_bytes(), b"COUNT", SLICE];
        let mut parts = array(single(ask(&command("SCAN", &arguments), 1)?))?.into_iter();
        self.cursor = bytes(parts.next().unwrap_or_default())?.unwrap_or_default();
        self.is_over = self.cursor == b"0" || self.cursor.is_empty();
        let names = array(parts.next().unwrap_or_default())?.into_iter();
        Ok(Some(names.filter_map(|name| bytes(name).ok().flatten()).collect()))
    }
}
