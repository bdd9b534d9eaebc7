//! Commands in the form that the server reads.

use std::time::Duration;

use redis::Value;

use super::failure::{Failure, sound};
use super::scripts::Script;
use crate::clock;

/// A script with its keys and arguments.
pub struct Run<'r> {
    pub script: &'r Script,
    pub keys: &'r [&'r [u8]],
    pub arguments: &'r [&'r [u8]],
}

impl Run<'_> {
    /// The command by which a server runs it if it knows it.
    pub fn known(&self) -> Vec<u8> {
        self.packed(b"EVALSHA", self.script.hash())
    }

    /// The command by which every server runs it, and knows it from then on.
    pub fn whole(&self) -> Vec<u8> {
        self.packed(b"EVAL", self.script.text)
    }

    fn packed(&self, how: &[u8], script: &str) -> Vec<u8> {
        let count = self.keys.len().to_string();
        let begin = [how, script.as_bytes(), count.as_bytes()];
        packed(&[&begin, self.keys, self.arguments])
    }
}

/// The command that has any server run a script.
pub fn eval(script: &Script, keys: &[&[u8]], arguments: &[&[u8]]) -> Vec<u8> {
    Run { script, keys, arguments }.whole()
}

/// A command with its arguments.
pub fn command<A: AsRef<[u8]>>(name: &str, arguments: &[A]) -> Vec<u8> {
    let arguments: Vec<&[u8]> = arguments.iter().map(AsRef::as_ref).collect();
    packed(&[&[name.as_bytes()], &arguments])
}

/// Packs all parts of a command, as the server reads them. The client's own way takes several times
/// as long, and a miss waits for it twice.
fn packed(parts: &[&[&[u8]]]) -> Vec<u8> {
    const FRAME: usize = 16;
    let all = || parts.iter().copied().flatten();
    let mut packed = Vec::with_capacity(all().map(|part| part.len() + FRAME).sum());
    let mut digits = itoa::Buffer::new();
    let mut line = |sign: u8, number: usize, packed: &mut Vec<u8>| {
        packed.push(sign);
        packed.extend_from_slice(digits.format(number).as_bytes());
        packed.extend_from_slice(b"\r\n");
    };
    line(b'*', all().count(), &mut packed);
    for part in all() {
        line(b'$', part.len(), &mut packed);
        packed.extend_from_slice(part);
        packed.extend_from_slice(b"\r\n");
    }
    packed
}

/// Returns the time in microseconds since the epoch, as an argument.
pub fn now() -> Vec<u8> {
    format!("{:.0}", clock::now() * 1e6).into_bytes()
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
        latest = latest.max(bytes(reply)?.and_then(since).unwrap_or(0.0));
    }
    Ok(latest)
}

/// Returns the generation in `text`, as the scripts read it.
fn since(text: Vec<u8>) -> Option<f64> {
    const NEVER: f64 = 9_007_199_254_740_992.0;
    let is_whole = text.len() <= 16 && text.iter().all(u8::is_ascii_digit);
    let digits = String::from_utf8(text).ok().filter(|_| is_whole)?;
    digits.parse().ok().filter(|&since| since < NEVER)
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

#[cfg(test)]
mod tests {
    use super::{Run, command, since};
    use crate::store::redis::scripts::TAKE;

    /// A number that no clock will reach counts as no generation.
    #[test]
    fn generations() {
        let read = |text: &str| since(text.as_bytes().to_vec());
        assert_eq!(read("1764412345000000"), Some(1_764_412_345_000_000.0));
        for wrong in ["", "inf", "nan", "-1", "1e9", "0x10", " 1", "9007199254740992", "1.5"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    /// Commands are packed as the client packs them.
    #[test]
    fn packing() {
        let mut expected = redis::cmd("MGET");
        expected.arg(&b"a\r\n"[..]).arg(&b""[..]).arg(&[0_u8; 1000][..]);
        let words = [&b"a\r\n"[..], b"", &[0; 1000]];
        assert_eq!(command("MGET", &words), expected.get_packed_command());
        let run = Run { script: &TAKE, keys: &[b"key"], arguments: &[b"argument", b""] };
        let mut expected = redis::cmd("EVAL");
        expected.arg(TAKE.text).arg(1).arg("key").arg("argument").arg("");
        assert_eq!(run.whole(), expected.get_packed_command());
        assert!(run.known().starts_with(b"*6\r\n$7\r\nEVALSHA\r\n$40\r\n"));
    }
}
