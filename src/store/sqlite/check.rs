//! The checksum of an entry: SQLite itself has none, and gives out what a disk has changed.

/// All of an entry that somebody is given.
#[derive(Clone, Copy, Debug)]
pub struct Check<'e> {
    /// Its key.
    pub key: &'e [u8],
    /// Its text.
    pub text: &'e [u8],
    /// When it was made.
    pub created: Option<f64>,
    /// How long that took.
    pub took: Option<f64>,
    /// A digest of the code that made it.
    pub code: Option<&'e [u8]>,
    /// What else is known of it.
    pub others: Option<&'e [u8]>,
}

/// The checksum of an entry.
pub fn crc(entry: &Check<'_>) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(entry.key);
    hasher.update(entry.text);
    for number in [entry.created, entry.took] {
        hasher.update(&number.map_or(u64::MAX, f64::to_bits).to_le_bytes());
    }
    let mut lengths = [entry.key.len(), entry.text.len(), 0, 0];
    for (length, part) in lengths[2..].iter_mut().zip([entry.code, entry.others]) {
        hasher.update(part.unwrap_or_default());
        *length = part.map_or(0, |part| part.len() + 1);
    }
    for length in lengths {
        hasher.update(&(length as u64).to_le_bytes());
    }
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::{Check, crc};

    /// Whatever changes, or moves from one part to its neighbour, the checksum is another one.
    #[test]
    fn all_parts_count() {
        let entry = Check {
            key: b"ab",
            text: b"cd",
            created: Some(1.0),
            took: None,
            code: None,
            others: Some(b"e"),
        };
        let others = [
            Check { key: b"a", text: b"bcd", ..entry },
            Check { created: None, ..entry },
            Check { created: None, took: Some(1.0), ..entry },
            Check { code: Some(b"e"), others: None, ..entry },
            Check { others: None, ..entry },
            Check { code: Some(b""), ..entry },
        ];
        for other in others {
            assert_ne!(crc(&entry), crc(&other), "{other:?}");
        }
    }
}
