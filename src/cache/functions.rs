//! The rows of a table by function, as far as keys tell.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use crate::key::name_end;

/// The rows of each function, by the beginning of their keys. It is made when first asked for, and
/// kept up to date from then on.
#[derive(Debug, Default)]
pub struct Functions(HashMap<Box<[u8]>, FunctionRows, RandomState>);

#[derive(Debug, Default)]
struct FunctionRows {
    count: usize,
    /// In insertion order; some may be gone by now.
    rows: Vec<u32>,
}

impl Functions {
    /// Adds a row that was not there.
    ///
    /// # Panics
    /// With more than 2^32 rows, which fit in no memory.
    pub fn add(&mut self, key: &[u8], row: usize) {
        let Some(end) = name_end(key) else { return };
        let row = u32::try_from(row).expect("a table has fewer rows");
        if let Some(found) = self.0.get_mut(&key[..end]) {
            found.count += 1;
            found.rows.push(row);
        } else {
            self.0.insert(key[..end].into(), FunctionRows { count: 1, rows: vec![row] });
        }
    }

    /// Notes that the row of `key` is gone; its number is not reused.
    pub fn remove(&mut self, key: &[u8]) {
        let found = name_end(key).and_then(|end| self.0.get_mut(&key[..end]));
        if let Some(found) = found {
            found.count -= 1;
        }
    }

    /// How many rows have a key that begins with `start`, which ends with a parenthesis; None if
    /// `start` is longer, so that their keys must be compared.
    pub fn count(&self, start: &[u8]) -> Option<usize> {
        let end = name_end(start).filter(|end| end + 1 == start.len())?;
        Some(self.0.get(&start[..end]).map_or(0, |found| found.count))
    }

    /// The rows among which are all whose key begins with `start`.
    pub fn rows(&self, start: &[u8]) -> impl Iterator<Item = usize> {
        let found = name_end(start).and_then(|end| self.0.get(&start[..end]));
        found.into_iter().flat_map(|found| &found.rows).map(|&row| row as usize)
    }
}
