//! How far a process is with its files.

/// Why a file is unusable that can be read all the same.
pub const PROTECTED: &str = "the file is write-protected";

/// How far a process is with its files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// Before anything was read, after a close, and in the child of a fork at an inconvenient
    /// moment: the contents of the cache must be compared with those of the files.
    #[default]
    Unknown,
    /// The files were read; from there on changes are followed.
    Following,
    /// No file can be used; the text says why.
    Unusable(&'static str),
}
