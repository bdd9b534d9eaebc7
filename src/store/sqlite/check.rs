//! The checksum of an entry: SQLite has none, and returns what a faulty disk has changed.

/// Everything of an entry that a caller is given.
#[derive(Clone, Copy, Debug)]
pub struct Check<'e> {
    /// Its key.
    pub key: &'e [u8],
    /// Its text: the JSON of the result.
    pub text: &'e [u8],
    /// When it was made, in seconds since the epoch.
    pub created: Option<f64>,
    /// How many seconds the call took.
    pub took: Option<f64>,
    /// A digest of the code that made it.
    pub code: Option<&'e [u8]>,
    /// Everything else that is known of it.
    pub others: Option<&'e [u8]>,
}

/// Returns the checksum of an entry.
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

    /// Each part counts, and so does its border: moving a byte to the next part changes the
    /// checksum.
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
