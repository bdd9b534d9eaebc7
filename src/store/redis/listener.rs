//! The one connection of a process on which the server announces the changes of others.

use std::sync::Weak;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use redis::{Cmd, Connection, ConnectionLike, ProtocolVersion, PushKind, RedisResult, Value, cmd};

use super::connection::{connect, wrong};
use super::failure::{Failure, sound};
use super::server::Server;
use super::signals::Undisturbed;
use crate::sync::{active, forks};

/// How often the thread checks whether it is still wanted.
const GLANCE: Duration = Duration::from_secs(1);
/// After this long without news the server is asked to answer.
const SILENCE: Duration = Duration::from_secs(5);
/// How long it waits before it connects again.
const PAUSES: [Duration; 2] = [Duration::from_millis(50), Duration::from_secs(2)];
/// How often it looks whether a server is back that somebody else looks for.
const AWAY: Duration = Duration::from_millis(250);
/// What pings carry: one makes up for a read that nothing came of, the other asks for an answer.
const PINGS: [&str; 2] = ["made up", "alive"];
/// The channel of news under RESP2.
const CHANNEL: &[u8] = b"__redis__:invalidate";

struct Listener {
    server: Weak<Server>,
    number: u64,
    forks: u64,
}

/// The connection of the news, and the one they concern, if that is another.
struct Open {
    news: Connection,
    tracked: Option<Connection>,
}

impl Server {
    /// Begins to listen. Until it does, copies in memory are dropped every second.
    pub(super) fn listen(&self) {
        let listener = Listener {
            server: Weak::clone(&self.me),
            number: self.listening.number(),
            forks: forks::count(),
        };
        let builder = thread::Builder::new().name("outlive-listener".to_owned());
        // Without a thread for it, the keeper does what it can.
        drop(builder.spawn(move || listener.run()));
    }
}

impl Listener {
    fn run(self) {
        let _undisturbed = Undisturbed::begin();
        let mut pause = PAUSES[0];
        while let Some(server) = self.wanted_by() {
            if server.is_away_outside() {
                drop(server);
                thread::sleep(AWAY);
                continue;
            }
            let begun = Instant::now();
            let is_supported = match open(&server) {
                Ok(open) => {
                    {
                        let _active = active();
                        server.news.is_complete.store(true, Ordering::Release);
                        // Afterwards: copies in memory were read while nobody listened.
                        server.hear(None);
                    }
                    drop(server);
                    self.follow(open);
                    true
                }
                Err(failure) => !matches!(failure, Failure::Refused(_)),
            };
            // Another thread may listen by now.
            if let Some(server) = self.wanted_by() {
                let _active = active();
                server.news.is_complete.store(false, Ordering::Release);
                server.wake();
            }
            let has_lasted = begun.elapsed() > PAUSES[1];
            pause = if has_lasted { PAUSES[0] } else { (pause * 2).min(PAUSES[1]) };
            thread::sleep(if is_supported { pause } else { PAUSES[1] });
        }
    }

    /// Returns the server, if this thread still is to listen to it.
    fn wanted_by(&self) -> Option<crate::sync::Arc<Server>> {
        let server = self.server.upgrade()?;
        let is_wanted = server.listening.number() == self.number && forks::count() == self.forks;
        is_wanted.then_some(server)
    }

    /// Reads the news until the connection breaks.
    ///
    /// NOTE: after a read that nothing came of, the client skips what comes next, for it takes that
    /// for a late reply; under RESP2 news are replies like others. So each such read is made up for by
    /// a ping, whose reply the client skips. If that reply is seen, something else was skipped.
    fn follow(&self, mut open: Open) {
        let mut heard = Instant::now();
        let mut asked = false;
        loop {
            let value = open.news.recv_response();
            let Some(server) = self.wanted_by() else { return };
            match value {
                Ok(value) => {
                    (heard, asked) = (Instant::now(), false);
                    let news = if is_made_up(&value) { Some(None) } else { changed(value) };
                    if let Some(changed) = news {
                        let _active = active();
                        server.hear(changed.as_deref());
                    }
                }
                Err(error) if error.is_timeout() => {
                    if ping(&mut open.news, PINGS[0]).is_err() {
                        return;
                    }
                    if heard.elapsed() < SILENCE {
                        continue;
                    }
                    if asked && heard.elapsed() > SILENCE + server.address.timeout.max(GLANCE) {
                        return;
                    }
                    if !asked && ping(&mut open.news, PINGS[1]).is_err() {
                        return;
                    }
                    asked = true;
                    let mut tracked = open.tracked.as_mut();
                    if tracked.as_mut().is_some_and(|it| ask(it, &cmd("PING"), &server).is_err()) {
                        return;
                    }
                }
                Err(_) => return,
            }
        }
    }
}

/// Connects, and subscribes to news.
fn open(server: &Server) -> Result<Open, Failure> {
    let third = connect(&server.address, ProtocolVersion::RESP3).and_then(|mut news| {
        ask(&mut news, &tracking(server, None), server)?;
        Ok(Open { news, tracked: None })
    });
    let open = match third {
        Err(Failure::Down(_)) if !is_there(server) => third?,
        Err(_) => second(server)?,
        Ok(open) => open,
    };
    let wait = open.news.set_read_timeout(Some(GLANCE));
    wait.map_err(|error| wrong(&error, GLANCE))?;
    Ok(open)
}

/// Returns whether the server answers in the older protocol.
fn is_there(server: &Server) -> bool {
    connect(&server.address, ProtocolVersion::RESP2).is_ok()
}

/// Listens by the older protocol: news come on a channel, as long as another connection exists.
fn second(server: &Server) -> Result<Open, Failure> {
    let mut news = connect(&server.address, ProtocolVersion::RESP2)?;
    let number = ask(&mut news, cmd("CLIENT").arg("ID"), server)?;
    let Value::Int(number) = number else {
        return Err(Failure::Refused("it does not number its clients".to_owned()));
    };
    let mut tracked = connect(&server.address, ProtocolVersion::RESP2)?;
    ask(&mut tracked, &tracking(server, Some(number)), server)?;
    ask(&mut news, cmd("SUBSCRIBE").arg(CHANNEL), server)?;
    Ok(Open { news, tracked: Some(tracked) })
}

fn tracking(server: &Server, redirect: Option<i64>) -> Cmd {
    let mut tracking = cmd("CLIENT");
    tracking.arg("TRACKING").arg("ON");
    if let Some(number) = redirect {
        tracking.arg("REDIRECT").arg(number);
    }
    tracking.arg("BCAST");
    for prefix in server.names.heard() {
        tracking.arg("PREFIX").arg(prefix);
    }
    tracking
}

fn ping(connection: &mut Connection, what: &str) -> RedisResult<()> {
    connection.send_packed_command(&cmd("PING").arg(what).get_packed_command())
}

/// Returns whether `value` is the reply to a ping that makes up for something.
fn is_made_up(value: &Value) -> bool {
    let said = match value {
        // Where news are replies, those to pings have two parts.
        Value::Array(parts) if parts.len() == 2 => parts.last(),
        said => Some(said),
    };
    matches!(said, Some(Value::BulkString(said)) if said == PINGS[0].as_bytes())
}

fn ask(connection: &mut Connection, command: &Cmd, server: &Server) -> Result<Value, Failure> {
    let asked = connection.req_command(command);
    sound(asked.map_err(|error| wrong(&error, server.address.timeout))?)
}

/// Returns the changed keys, if `value` is news: `None` inside if all have changed.
#[expect(clippy::option_option, reason = "no news, all, or some")]
fn changed(value: Value) -> Option<Option<Vec<Vec<u8>>>> {
    let keys = match value {
        Value::Push { kind: PushKind::Invalidate, data } => data.into_iter().next(),
        Value::Array(mut parts) if parts.len() == 3 => {
            let is_bulk =
                |part: &Value, text: &[u8]| matches!(part, Value::BulkString(it) if it == text);
            let is_news = is_bulk(&parts[0], b"message") && is_bulk(&parts[1], CHANNEL);
            is_news.then(|| parts.swap_remove(2))
        }
        _ => None,
    };
    Some(match keys? {
        Value::Array(keys) => {
            let bytes = |key: Value| match key {
                Value::BulkString(bytes) => Some(bytes),
                _ => None,
            };
            Some(keys.into_iter().filter_map(bytes).collect())
        }
        _ => None,
    })
}
