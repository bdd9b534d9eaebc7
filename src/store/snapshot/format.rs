//! The two shapes that a snapshot has.

/// How a snapshot spells its entries. A file keeps the format that it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `"key": value`, as octohatrack wrote it; what else is known stands in one reserved member.
    Flat,
    /// `"key": {"result": value, "at": 1764412345.1, …}`: what is known of an entry is in its line.
    Annotated,
}

impl Format {
    /// The format of a file of ours that ends with `tail`.
    pub fn of_tail(tail: &[u8]) -> Self {
        let line = b"\n\"outlive\": {\"format\": ";
        match memchr::memmem::rfind(tail, line) {
            Some(_) => Self::Annotated,
            None => Self::Flat,
        }
    }
}
