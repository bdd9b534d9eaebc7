//! An entry as a place far away holds it: one record of the journal.

use bytes::Bytes;

use crate::error::{Error, Result};
use crate::store::journal::{Record, Terms, decode, encode_change};
use crate::store::{Change, Item};
use crate::value::write::Charset;

/// What stands under a name.
#[derive(Debug)]
pub enum Read {
    /// Nothing.
    Nothing,
    /// An entry.
    Item(Item),
    /// Something that a later version of outlive wrote.
    Later,
    /// Nothing that outlive wrote, or not as it was written.
    Damaged,
}

/// Returns the bytes of `item`.
///
/// # Errors
/// If its key or its text has 4 GiB or more.
pub fn bytes_of(item: &Item) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let change = Change::Put(item.clone());
    encode_change(&mut bytes, &change, Terms::Upkeep, Charset::Utf8).map_err(|source| {
        Error::Io { doing: "write an entry to", path: "a mapping".into(), source }
    })?;
    Ok(bytes)
}

/// Returns what `bytes` say; of `key` if one is given.
pub fn read(bytes: &Bytes, key: Option<&[u8]>) -> Read {
    let length = bytes.len();
    match decode(bytes, 0, Charset::Utf8) {
        Some((Record::Change(Change::Put(item), _), end))
            if end == length && key.is_none_or(|key| item.key == key) =>
        {
            Read::Item(item)
        }
        Some((Record::Later, _)) => Read::Later,
        _ => Read::Damaged,
    }
}

#[cfg(test)]
mod tests {
    use super::{Item, Read, bytes_of, read};
    use crate::store::{Code, Notes};
    use bytes::Bytes;

    /// An entry is read back whole, a damaged one is not read, and a later version is recognised.
    #[test]
    fn entries() {
        let item = Item {
            key: Bytes::from("f(x=1)"),
            text: Bytes::from(r#"[1,"two"]"#),
            sound: true,
            created: Some(1.5),
            timed: true,
            notes: Notes { took: Some(0.5), code: Code::new(b"abcdefgh"), others: None },
        };
        let bytes = bytes_of(&item).unwrap();
        assert!(matches!(read(&bytes.clone().into(), None), Read::Item(it) if it == item));
        assert!(matches!(read(&bytes.clone().into(), Some(b"f(x=2)")), Read::Damaged));
        for at in 0..bytes.len() {
            let mut other = bytes.clone();
            other[at] ^= 1;
            assert!(!matches!(read(&other.into(), None), Read::Item(_)), "byte {at}");
        }
        let mut later = bytes.clone();
        later[3] = 2;
        let (head, foot) = later.split_at_mut(bytes.len() - 4);
        foot.copy_from_slice(&crc32fast::hash(head).to_le_bytes());
        assert!(matches!(read(&later.into(), None), Read::Later));
        assert!(matches!(read(&Bytes::new(), None), Read::Damaged));
    }
}
