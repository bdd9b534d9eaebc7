//! The keys of a server that hold a cache's data.
//!
//! ```text
//! outlive:NAME:e:{HASH}:KEY    the entry of KEY (see `value`)
//! outlive:NAME:l:{HASH}:KEY    who computes KEY: a token; "-", also before one, if who did is
//!                             outdated; expires
//! outlive:NAME:g:FUNCTION      since when entries of FUNCTION count: microseconds since the epoch
//! outlive:NAME:g:              the same for all
//! outlive:NAME:m               a hash: the salt
//! ```
//! HASH keeps an entry and its lease on one node of a cluster.

use bytes::Bytes;

use crate::key::name_of;

/// Makes the keys of one cache.
#[derive(Debug)]
pub struct Names {
    prefix: String,
}

impl Names {
    /// The names of the cache called `name`.
    pub fn new(name: &str) -> Self {
        Self { prefix: format!("outlive:{name}:") }
    }

    /// Returns the key of the entry of `key`.
    pub fn entry(&self, key: &[u8]) -> Vec<u8> {
        self.hashed("e:", key)
    }

    /// Returns the key that says who computes `key`.
    pub fn lease(&self, key: &[u8]) -> Vec<u8> {
        self.hashed("l:", key)
    }

    fn hashed(&self, kind: &str, key: &[u8]) -> Vec<u8> {
        let hash = digits(crc32fast::hash(key));
        [self.prefix.as_bytes(), kind.as_bytes(), b"{", &hash, b"}:", key].concat()
    }

    /// Returns the key of the generation of the function that made `key`.
    pub fn generation_of(&self, key: &[u8]) -> Vec<u8> {
        self.generation(name_of(key).unwrap_or(b"?"))
    }

    /// Returns the key of a function's generation; entries of no function have a name that none
    /// has.
    pub fn generation(&self, function: &[u8]) -> Vec<u8> {
        [self.prefix.as_bytes(), b"g:", function].concat()
    }

    /// Returns the key of the generation of all entries.
    pub fn generation_of_all(&self) -> Vec<u8> {
        self.generation(b"")
    }

    /// Returns the key of the salt.
    pub fn meta(&self) -> Vec<u8> {
        [self.prefix.as_bytes(), b"m"].concat()
    }

    /// Returns the prefixes of keys whose changes this process wants to hear of.
    pub fn heard(&self) -> [String; 2] {
        [format!("{}e:", self.prefix), format!("{}g:", self.prefix)]
    }

    /// Returns a pattern that matches the keys of all entries. A name holds no special characters.
    pub fn entries(&self) -> String {
        format!("{}e:*", self.prefix)
    }

    /// Returns a pattern that matches the keys of all leases.
    pub fn leases(&self) -> String {
        format!("{}l:*", self.prefix)
    }

    /// Returns the key text of the entry, or of the lease, at `name`.
    pub fn key(&self, name: &[u8]) -> Option<Bytes> {
        let rest = name.strip_prefix(self.prefix.as_bytes())?;
        let rest = rest.strip_prefix(b"e:").or_else(|| rest.strip_prefix(b"l:"))?;
        let key = rest.get("{00000000}:".len()..)?;
        Some(Bytes::copy_from_slice(key))
    }

    /// Returns the function whose generation is at `name`; empty for that of all.
    pub fn function<'n>(&self, name: &'n [u8]) -> Option<&'n [u8]> {
        name.strip_prefix(self.prefix.as_bytes())?.strip_prefix(b"g:")
    }
}

/// Returns the eight hexadecimal digits of a hash.
fn digits(hash: u32) -> [u8; 8] {
    let digit = |place: u32| b"0123456789abcdef"[(hash >> (28 - 4 * place)) as usize % 16];
    [0, 1, 2, 3, 4, 5, 6, 7].map(digit)
}

#[cfg(test)]
mod tests {
    use super::{Names, digits};

    /// Hashes are written with all their digits.
    #[test]
    fn hashes() {
        for hash in [0, 1, 0x0123_4567, 0x89ab_cdef, u32::MAX] {
            assert_eq!(digits(hash).to_vec(), format!("{hash:08x}").into_bytes());
        }
    }

    /// Every name leads back to its parts, with braces and colons in a key or without.
    #[test]
    fn names_lead_back() {
        let names = Names::new("shop");
        for key in ["a.f(x=1)", "{a}:b", "", "outlive:meta"] {
            let key = key.as_bytes();
            assert_eq!(names.key(&names.entry(key)).as_deref(), Some(key));
            assert_eq!(names.key(&names.lease(key)).as_deref(), Some(key));
            assert!(names.function(&names.entry(key)).is_none());
        }
        assert_eq!(names.function(&names.generation_of(b"a.f(x=1)")), Some(&b"a.f"[..]));
        assert_eq!(names.function(&names.generation_of_all()), Some(&b""[..]));
        assert_eq!(names.key(&names.meta()), None);
    }
}
