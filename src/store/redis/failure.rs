//! Why a server did not do what it was asked.

use std::io;
use std::time::Duration;

use redis::{ServerError, Value};

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It was not asked: it did not answer a moment ago.
    Away,
    /// It cannot be reached, or is not the one that takes results at the moment; with the words for it.
    Down(String),
    /// It answers, and refuses what was asked; with its own words.
    Refused(String),
    /// It has no room.
    Full,
}

/// Replies that mean: not now, or not this server.
const DOWN: [&str; 6] = ["READONLY", "LOADING", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "NOAUTH"];

impl Failure {
    /// It has not answered within `timeout`.
    pub fn late(timeout: Duration) -> Self {
        Self::Down(format!("no answer within {} s", timeout.as_secs_f64()))
    }

    /// What an error that the server sent means.
    pub fn of(error: &ServerError) -> Self {
        let code = error.code();
        if code == "OOM" {
            return Self::Full;
        }
        let words = match error.details() {
            Some(details) => format!("it says {code} {details}"),
            None => format!("it says {code}"),
        };
        // NOTE: a script that was stopped by an error has that error's code in its words at most.
        if words.contains("OOM command not allowed") {
            return Self::Full;
        }
        let is_down = DOWN.iter().any(|down| *down == code || words.contains(&format!("-{down} ")));
        if is_down { Self::Down(words) } else { Self::Refused(words) }
    }

    /// The kind of a system's error that says the same.
    pub fn kind(&self) -> io::ErrorKind {
        match self {
            Self::Away | Self::Down(_) => io::ErrorKind::NotConnected,
            Self::Refused(_) => io::ErrorKind::PermissionDenied,
            Self::Full => io::ErrorKind::StorageFull,
        }
    }

    /// In words.
    pub fn words(&self) -> &str {
        match self {
            Self::Away => "it did not answer a moment ago",
            Self::Down(why) | Self::Refused(why) => why,
            Self::Full => "its memory is full (OOM)",
        }
    }
}

/// A reply that is no error.
pub fn sound(reply: Value) -> Result<Value, Failure> {
    match reply {
        Value::ServerError(error) => Err(Failure::of(&error)),
        reply => Ok(reply),
    }
}
