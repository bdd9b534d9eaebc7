//! Errors below the cache, in words for the user whose file it is.

use std::path::PathBuf;
use std::{fmt, io};

/// Trouble with the file, the journal or a text in them.
#[derive(Debug)]
pub enum Error {
    /// The operating system reported an error.
    Io {
        /// What was being done, as in "write the journal of".
        doing: &'static str,
        /// The file it was done to.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// A text is not what it should be at its place in the file.
    Syntax {
        /// What was expected or found.
        what: &'static str,
        /// Byte offset in the text.
        at: usize,
    },
    /// A value is nested deeper than the file may hold.
    TooDeep {
        /// The limit that was passed.
        limit: usize,
    },
}

/// Another process changed the file at the same moment.
#[derive(Debug)]
pub struct Disturbed;

impl fmt::Display for Disturbed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("somebody else changed it meanwhile")
    }
}

impl std::error::Error for Disturbed {}

/// The result of everything that may meet an [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// Returns whether another process, which is about to be done, is in the way.
    pub fn is_busy(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::WouldBlock)
    }

    /// Returns whether another program changed the file at the same moment, so that a second try
    /// may work.
    pub fn is_disturbed(&self) -> bool {
        let Self::Io { source, .. } = self else { return false };
        source.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<Disturbed>)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { doing, path, source } => {
                write!(f, "could not {doing} {}: {source}", path.display())
            }
            Self::Syntax { what, at } => write!(f, "{what} at byte {at}"),
            Self::TooDeep { limit } => write!(f, "nested deeper than {limit} levels"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            Self::Syntax { .. } | Self::TooDeep { .. } => None,
        }
    }
}
