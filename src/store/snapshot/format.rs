//! The two formats of a snapshot.

/// The form of a snapshot's entries. A file keeps the format that it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `"key": value`, as octohatrack wrote it; everything else is in one reserved member.
    Flat,
    /// `"key": {"result": value, "at": 1764412345.1, …}`: what is known of an entry is in its line.
    Annotated,
}

impl Format {
    /// Returns the format of a file of ours that ends with `tail`.
    pub fn of_tail(tail: &[u8]) -> Self {
        let line = b"\n\"outlive\": {\"format\": ";
        match memchr::memmem::rfind(tail, line) {
            Some(_) => Self::Annotated,
            None => Self::Flat,
        }
    }
}
