//! What is known of a result beside its value and its time.

use bytes::Bytes;

use crate::sync::Arc;

/// Facts about one result that travel with it from the call to the file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Notes {
    /// How many seconds the call took.
    pub took: Option<f64>,
    /// A digest of the code that made the result.
    pub code: Option<Code>,
    /// Members that a later version or a user added to the entry: one JSON object. They are kept as
    /// long as the result. Shared by all entries of which the same is said, such as the program that
    /// made them.
    pub others: Option<Arc<Bytes>>,
}

impl Notes {
    /// Returns whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.took.is_none() && self.code.is_none() && self.others.is_none()
    }
}

/// A digest of a function's code: eight printable ASCII characters, neither quotes nor backslashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Code([u8; 8]);

impl Code {
    /// Returns the digest spelled `text`; `None` if that is no digest.
    pub fn new(text: impl AsRef<[u8]>) -> Option<Self> {
        let code: [u8; 8] = text.as_ref().try_into().ok()?;
        let plain = |byte: &u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\');
        code.iter().all(plain).then_some(Self(code))
    }

    /// Returns its characters.
    pub fn as_bytes(&self) -> &[u8; 8] {
        &self.0
    }

    /// Returns its spelling.
    #[expect(clippy::missing_panics_doc, reason = "a code is ASCII from the start")]
    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.0).expect("a code is ASCII")
    }
}
