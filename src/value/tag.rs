//! The tags of values that JSON lacks: `{"$tuple": [1, 2]}`.
//!
//! An instance of a class is stored under its class: `{"$shop:Repo": {"name": "tea"}}`.
//!
//! A real dict that looks like such a tag is escaped: its key gets one more `$`, and loses it when
//! it is read. Any other key that begins with `$` (`{"$ref": "..."}`) stays as it is.

/// The meaning of a one-member object with a known `$` key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tag {
    /// A tuple: a list of its items.
    Tuple,
    /// A set: a list of its members.
    Set,
    /// A frozenset: a list of its members.
    Frozenset,
    /// Bytes: a text in the encoding that the writer chose.
    Bytes,
    /// A dict with keys that are not strings: a list of pairs.
    Dict,
    /// A float that is not a number or infinite: `"nan"`, `"inf"` or `"-inf"`.
    Float,
    /// A date and time.
    Datetime,
    /// A date.
    Date,
    /// A time of day.
    Time,
    /// A span of time.
    Timedelta,
    /// A decimal number.
    Decimal,
    /// A UUID.
    Uuid,
    /// A path of the file system.
    Path,
    /// A complex number.
    Complex,
    /// A string that JSON cannot hold.
    Str,
    /// An integer with more digits than Python's own `json` reads.
    Int,
    /// An exception that is kept.
    Error,
}

const TAGS: [Tag; 17] = [
    Tag::Tuple,
    Tag::Set,
    Tag::Frozenset,
    Tag::Bytes,
    Tag::Dict,
    Tag::Float,
    Tag::Datetime,
    Tag::Date,
    Tag::Time,
    Tag::Timedelta,
    Tag::Decimal,
    Tag::Uuid,
    Tag::Path,
    Tag::Complex,
    Tag::Str,
    Tag::Int,
    Tag::Error,
];

impl Tag {
    /// Returns the key of such a value, with its `$`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tuple => "$tuple",
            Self::Set => "$set",
            Self::Frozenset => "$frozenset",
            Self::Bytes => "$bytes",
            Self::Dict => "$dict",
            Self::Float => "$float",
            Self::Datetime => "$datetime",
            Self::Date => "$date",
            Self::Time => "$time",
            Self::Timedelta => "$timedelta",
            Self::Decimal => "$decimal",
            Self::Uuid => "$uuid",
            Self::Path => "$path",
            Self::Complex => "$complex",
            Self::Str => "$str",
            Self::Int => "$int",
            Self::Error => "$error",
        }
    }

    /// Returns the tag whose [`name`](Self::name) is `key`.
    pub fn from_key(key: &[u8]) -> Option<Self> {
        TAGS.into_iter().find(|tag| tag.name().as_bytes() == key)
    }

    /// Returns whether such a value holds other values.
    pub const fn is_container(self) -> bool {
        matches!(self, Self::Tuple | Self::Set | Self::Frozenset | Self::Dict)
    }

    /// All tags.
    pub fn all() -> impl Iterator<Item = Self> {
        TAGS.into_iter()
    }
}

/// Returns the tag that the first key of a text names, and what follows that key. The text may have
/// any layout that JSON allows.
pub fn split_tag(text: &[u8]) -> Option<(Tag, &[u8])> {
    let key = after(after(text, b'{')?, b'"')?;
    let end = key.iter().position(|&byte| byte == b'"')?;
    let tag = match key[..end].strip_prefix(b"\\u0024") {
        // Some writers escape more than JSON requires.
        Some(name) => Tag::from_key(&[b"$", name].concat()),
        None => Tag::from_key(&key[..end]),
    };
    Some((tag?, after(&key[end + 1..], b':')?))
}

/// Returns what follows `byte`, if that is the next byte after white space.
pub fn after(text: &[u8], byte: u8) -> Option<&[u8]> {
    text.trim_ascii_start().strip_prefix(&[byte])
}

/// Returns the key to write for the only key of a real dict, if it would look like a tag.
pub fn escape(key: &[u8]) -> Option<Vec<u8>> {
    looks_tagged(key).then(|| [b"$", key].concat())
}

/// Returns the real key of an escaped one; `None` if `key` is not escaped (it may be a tag).
pub fn unescape(key: &[u8]) -> Option<&[u8]> {
    key.strip_prefix(b"$").filter(|inner| looks_tagged(inner))
}

/// Returns the name of the class in `key`: `shop:Repo` of `$shop:Repo`. Its colon distinguishes it
/// from all other keys.
pub fn class_name(key: &[u8]) -> Option<&[u8]> {
    let name = key.strip_prefix(b"$").filter(|name| name.first() != Some(&b'$'))?;
    let colon = memchr::memchr(b':', name)?;
    (colon > 0 && colon + 1 < name.len()).then_some(name)
}

/// Returns whether `key` is one or more `$` and the name of a tag or of a class.
fn looks_tagged(key: &[u8]) -> bool {
    let dollars = key.iter().take_while(|&&b| b == b'$').count();
    let Some(start) = dollars.checked_sub(1) else { return false };
    Tag::from_key(&key[start..]).is_some() || class_name(&key[start..]).is_some()
}

/// Returns whether `key` is one or more `$` and the name of a class.
pub fn is_class_like(key: &[u8]) -> bool {
    let dollars = key.iter().take_while(|&&b| b == b'$').count();
    dollars.checked_sub(1).is_some_and(|start| class_name(&key[start..]).is_some())
}

#[cfg(test)]
mod tests {
    use super::{class_name, escape, unescape};

    /// A module, a colon and a name make a class; a key without all three belongs to an ordinary
    /// dict.
    #[test]
    fn a_colon_tells_a_class() {
        assert_eq!(class_name(b"$shop:Repo"), Some(&b"shop:Repo"[..]));
        for key in ["$shop", "$:Repo", "$shop:", "$$shop:Repo", "shop:Repo", "", "$"] {
            assert_eq!(class_name(key.as_bytes()), None, "{key}");
        }
    }

    /// A real key that looks like a class survives its escape.
    #[test]
    fn keys_like_classes_are_escaped() {
        for key in ["$shop:Repo", "$$shop:Repo", "$$$a:b"] {
            let escaped = escape(key.as_bytes()).unwrap();
            assert_eq!(unescape(&escaped), Some(key.as_bytes()));
            assert_eq!(class_name(&escaped), None);
        }
        assert_eq!(escape(b"$ref"), None);
    }
}
