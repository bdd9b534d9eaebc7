//! Where a process stands with its files.

/// Where a process stands with its files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// Before anything was read, after a close, and in the child of a fork at a bad moment: what
    /// the cache knows must be compared with what the files hold.
    #[default]
    Unknown,
    /// What the files held was taken in; from there on changes are.
    Following,
    /// There is no file to work with, and why.
    Unusable(&'static str),
}
