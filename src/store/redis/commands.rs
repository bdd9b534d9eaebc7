//! Commands in the form that the server reads.

use std::time::Duration;

use redis::{Cmd, ToRedisArgs, Value, cmd};

use super::failure::{Failure, sound};

/// A script with its keys and arguments.
pub fn eval(script: &str, keys: &[&[u8]], arguments: &[&[u8]]) -> Vec<u8> {
    let mut eval = cmd("EVAL");
    eval.arg(script).arg(keys.len());
    for part in keys.iter().chain(arguments) {
        eval.arg(*part);
    }
    eval.get_packed_command()
}

/// A command with its arguments.
pub fn command<A: ToRedisArgs>(name: &str, arguments: &[A]) -> Vec<u8> {
    let mut command: Cmd = cmd(name);
    for argument in arguments {
        command.arg(argument);
    }
    command.get_packed_command()
}

/// Returns a duration in milliseconds, as an argument.
pub fn milliseconds(time: Duration) -> Vec<u8> {
    time.as_millis().to_string().into_bytes()
}

/// Returns the parts of a reply that is an array.
pub fn array(reply: Value) -> Result<Vec<Value>, Failure> {
    match sound(reply)? {
        Value::Array(parts) => Ok(parts),
        other => Err(unexpected(&other)),
    }
}

/// Returns the bytes of a reply, if there are any.
pub fn bytes(reply: Value) -> Result<Option<Vec<u8>>, Failure> {
    match sound(reply)? {
        Value::BulkString(bytes) => Ok(Some(bytes)),
        Value::Nil => Ok(None),
        other => Err(unexpected(&other)),
    }
}

/// Returns what was read of a value; nothing if it is none of ours.
pub fn present(found: Result<Option<Vec<u8>>, Failure>) -> Result<Option<Vec<u8>>, Failure> {
    if matches!(found, Err(Failure::Unfit(_))) { Ok(None) } else { found }
}

/// Returns the number in a reply.
pub fn number(reply: Value) -> Result<i64, Failure> {
    match sound(reply)? {
        Value::Int(number) => Ok(number),
        other => Err(unexpected(&other)),
    }
}

/// Returns the only reply.
pub fn single(replies: Vec<Value>) -> Value {
    replies.into_iter().next().unwrap_or_default()
}

/// Returns since when entries count: the latest of these replies.
pub fn generation(replies: impl IntoIterator<Item = Value>) -> Result<f64, Failure> {
    let mut latest = 0.0_f64;
    for reply in replies {
        let digits = bytes(reply)?.and_then(|digits| String::from_utf8(digits).ok());
        latest = latest.max(digits.and_then(|digits| digits.parse().ok()).unwrap_or(0.0));
    }
    Ok(latest)
}

fn unexpected(reply: &Value) -> Failure {
    let kind = match reply {
        Value::Array(_) => "an array",
        Value::BulkString(_) | Value::SimpleString(_) | Value::Okay => "a string",
        Value::Int(_) => "a number",
        _ => "something else",
    };
    Failure::Refused(format!("its reply is {kind}, which nobody asked for"))
}
