//! Purges, which outdate computations that began before a result was forgotten, cleared or put.

use bytes::Bytes;

use super::{Affected, Change};

/// The keys whose computations are outdated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purge {
    /// This key.
    Key(Bytes),
    /// All keys that match this pattern of Python's `fnmatch`.
    Fitting(Bytes),
    /// Likewise; but of results that are there already, only those with this tag.
    Tagged {
        /// The pattern.
        pattern: Bytes,
        /// The tag.
        tag: Bytes,
    },
    /// All keys.
    All,
}

impl Purge {
    /// Returns the purge that `change` makes.
    pub fn of(change: &Change) -> Self {
        match change {
            Change::Put(item) => Self::Key(item.key.clone()),
            Change::Remove(key) => Self::Key(key.clone()),
            Change::Clear => Self::All,
        }
    }

    /// Those of all keys of the function with this name.
    pub fn of_function(name: &[u8]) -> Self {
        let mut pattern = literal(name);
        pattern.extend(b"(*");
        Self::Fitting(pattern.into())
    }

    /// That of `key` as a pattern: it changes no entry of a store.
    pub fn literal(key: &[u8]) -> Self {
        Self::Fitting(literal(key).into())
    }

    /// The tag that results have which it concerns; `None`: any or none.
    pub fn tag(&self) -> Option<&Bytes> {
        if let Self::Tagged { tag, .. } = self { Some(tag) } else { None }
    }

    /// Returns the change that does the same to results: one that is stored at this very moment may
    /// be there already, and is forgotten, too. `None`: there is no such change.
    pub fn as_change(&self) -> Option<Change> {
        match self {
            Self::Key(key) => Some(Change::Remove(key.clone())),
            Self::Fitting(_) | Self::Tagged { .. } => None,
            Self::All => Some(Change::Clear),
        }
    }

    /// Returns whether computations of `key` are outdated.
    pub fn concerns(&self, key: &[u8]) -> bool {
        match self {
            Self::Key(purged) => purged == key,
            Self::Fitting(pattern) | Self::Tagged { pattern, .. } => fits(pattern, key),
            Self::All => true,
        }
    }

    /// Returns the stripes of the page that it concerns.
    pub fn affected(&self) -> Affected<'_> {
        match self {
            Self::Key(key) => Affected::Key(key),
            Self::Fitting(_) | Self::Tagged { .. } | Self::All => Affected::All,
        }
    }
}

/// Returns the pattern that `text` alone matches.
fn literal(text: &[u8]) -> Vec<u8> {
    let mut pattern = Vec::with_capacity(text.len() + 2);
    for &byte in text {
        if b"*?[".contains(&byte) {
            pattern.extend([b'[', byte, b']']);
        } else {
            pattern.push(byte);
        }
    }
    pattern
}

/// Returns whether `key` matches `pattern`: `*` stands for anything, `?` for one character, `[a-c]`
/// for one of these, `[!a-c]` for any other.
fn fits(pattern: &[u8], key: &[u8]) -> bool {
    let (mut pattern, mut key) = (pattern, key);
    // The rest of the pattern after the last star, and of the key where its match may be extended.
    let mut star: Option<(&[u8], &[u8])> = None;
    loop {
        if let Some((b'*', rest)) = pattern.split_first() {
            star = Some((rest, key));
            pattern = rest;
            continue;
        }
        if let Some(rests) = fits_one(pattern, key) {
            (pattern, key) = rests;
            continue;
        }
        if pattern.is_empty() && key.is_empty() {
            return true;
        }
        let Some((after, taken)) = star.filter(|(_, taken)| !taken.is_empty()) else {
            return false;
        };
        let taken = &taken[width(taken)..];
        (star, pattern, key) = (Some((after, taken)), after, taken);
    }
}

/// Returns the rest of both after one matching character of the key.
fn fits_one<'p, 'k>(pattern: &'p [u8], key: &'k [u8]) -> Option<(&'p [u8], &'k [u8])> {
    let (&first, rest) = pattern.split_first()?;
    let (one, left) = key.split_at_checked(width(key)).filter(|(one, _)| !one.is_empty())?;
    match (first, set(rest)) {
        (b'?', _) => Some((rest, left)),
        (b'[', Some((set, rest))) => is_of(set, one).then_some((rest, left)),
        _ if pattern.starts_with(one) => Some((&pattern[one.len()..], left)),
        _ => None,
    }
}

/// Returns the characters of a set that begins here, and what follows it.
fn set(rest: &[u8]) -> Option<(&[u8], &[u8])> {
    // A bracket that comes first belongs to the set.
    let first = if rest.first() == Some(&b'!') { 2 } else { 1 };
    let end = first + rest.get(first..)?.iter().position(|&byte| byte == b']')?;
    Some((&rest[..end], &rest[end + 1..]))
}

/// Returns whether `set` has the character `one`.
fn is_of(set: &[u8], one: &[u8]) -> bool {
    let (negated, mut set) = match set.strip_prefix(b"!") {
        Some(set) => (true, set),
        None => (false, set),
    };
    while !set.is_empty() {
        let (first, rest) = set.split_at(width(set));
        let range = rest.strip_prefix(b"-").filter(|last| !last.is_empty());
        let (last, rest) = range.map_or((first, rest), |last| last.split_at(width(last)));
        // The bytes of UTF-8 sort as the characters do.
        if (first..=last).contains(&one) {
            return !negated;
        }
        set = rest;
    }
    negated
}

/// Returns how many bytes the first character has.
fn width(text: &[u8]) -> usize {
    let length = match text.first() {
        None => 0,
        Some(0xF0..) => 4,
        Some(0xE0..) => 3,
        Some(0xC0..) => 2,
        Some(_) => 1,
    };
    length.min(text.len())
}

#[cfg(test)]
mod tests {
    use super::fits;

    /// Patterns mean the same as in Python's `fnmatch`.
    #[test]
    fn patterns() {
        let fit = ["*", "a.f(*", "*f(*", "a.?(x='ü')", "a.[e-g](*", "a.[!x]*", "*x='?')", "a*(*)"];
        for pattern in fit {
            assert!(fits(pattern.as_bytes(), "a.f(x='ü')".as_bytes()), "{pattern}");
        }
        for pattern in ["", "a", "*g(*", "a.[!f](*", "a.[h-z]*", "a.f(x='??')", "?"] {
            assert!(!fits(pattern.as_bytes(), "a.f(x='ü')".as_bytes()), "{pattern}");
        }
        assert!(fits(b"[", b"[") && fits(b"[]]", b"]") && fits(b"[a-]", b"-") && fits(b"", b""));
        assert!(fits(b"[[]x[*]", b"[x*") && !fits(b"[*]", b"a"));
    }
}
