//! The meaning of a system's refusal to give a lock.

use std::io;

use super::Taken;
use super::locks::means_unsupported;

/// Tells a lock held by another process, and a file system without locks, from an error.
pub fn outcome(result: io::Result<()>) -> io::Result<Taken> {
    use io::ErrorKind::{InvalidInput, ResourceBusy, Unsupported, WouldBlock};
    match result {
        Ok(()) => Ok(Taken::Yes),
        Err(error) => match error.kind() {
            WouldBlock | ResourceBusy => Ok(Taken::Busy),
            Unsupported | InvalidInput => Ok(Taken::Unsupported),
            _ if means_unsupported(&error) => Ok(Taken::Unsupported),
            _ => Err(error),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file system without locks is distinguished from a lock held elsewhere, and from an error.
    #[test]
    fn refusals_are_told_apart() {
        let refused = |kind: io::ErrorKind| outcome(Err(kind.into()));
        assert_eq!(outcome(Ok(())).ok(), Some(Taken::Yes));
        assert_eq!(refused(io::ErrorKind::WouldBlock).ok(), Some(Taken::Busy));
        assert_eq!(refused(io::ErrorKind::Unsupported).ok(), Some(Taken::Unsupported));
        assert!(refused(io::ErrorKind::PermissionDenied).is_err());
    }
}
