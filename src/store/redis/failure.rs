//! The reasons why a server did not do what it was asked.

use std::io;
use std::time::Duration;

use redis::{ServerError, Value};

/// The reason why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It was not asked, because it did not answer a moment ago.
    Away,
    /// It cannot be reached, or does not take results at the moment; with a description.
    Down(String),
    /// It answered with a refusal; with its own words.
    Refused(String),
    /// It answered that it does not take this change, whatever it takes of others; with its words.
    Unfit(String),
    /// It has no room.
    Full,
}

/// Parts of refusals that are about what was sent, not about the server.
const UNFIT: [&str; 3] = ["WRONGTYPE", "invalid bulk length", "exceeds maximum allowed size"];

/// Replies that mean "not now" or "not this server".
const DOWN: [&str; 6] = ["READONLY", "LOADING", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "NOAUTH"];

impl Failure {
    /// The failure of not answering within `timeout`.
    pub fn late(timeout: Duration) -> Self {
        Self::Down(format!("no answer within {} s", timeout.as_secs_f64()))
    }

    /// Returns the meaning of an error that the server sent.
    pub fn of(error: &ServerError) -> Self {
        let code = error.code();
        if code == "OOM" {
            return Self::Full;
        }
        let words = match error.details() {
            Some(details) => format!("it says {code} {details}"),
            None => format!("it says {code}"),
        };
        // NOTE: a script that an error stopped has that error's code at most in its words.
        if words.contains("OOM command not allowed") {
            return Self::Full;
        }
        // What it says of this it says to whom it then leaves.
        if words.contains("max number of clients") {
            return Self::Down(words);
        }
        if UNFIT.iter().any(|unfit| words.contains(unfit)) {
            return Self::Unfit(words);
        }
        let is_down = DOWN.iter().any(|down| *down == code || words.contains(&format!("-{down} ")));
        if is_down { Self::Down(words) } else { Self::Refused(words) }
    }

    /// Returns the system's error kind with this meaning.
    pub fn kind(&self) -> io::ErrorKind {
        match self {
            Self::Away | Self::Down(_) => io::ErrorKind::NotConnected,
            Self::Refused(_) => io::ErrorKind::PermissionDenied,
            Self::Unfit(_) => io::ErrorKind::InvalidInput,
            Self::Full => io::ErrorKind::StorageFull,
        }
    }

    /// Returns a description.
    pub fn words(&self) -> &str {
        match self {
            Self::Away => "it did not answer a moment ago",
            Self::Down(why) | Self::Refused(why) | Self::Unfit(why) => why,
            Self::Full => "its memory is full (OOM)",
        }
    }
}

/// Returns a reply that is no error.
pub fn sound(reply: Value) -> Result<Value, Failure> {
    match reply {
        Value::ServerError(error) => Err(Failure::of(&error)),
        reply => Ok(reply),
    }
}
