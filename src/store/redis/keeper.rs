//! The maintenance thread: it renews leases, writes what waits, tries a server that is away, and
//! deletes entries that no longer count.
//!
//! IMPORTANT: it is inside the cache while it uses what calls use, and not while it waits for the
//! server: a fork waits for threads that are inside.

use std::sync::Weak;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use redis::{Connection, ProtocolVersion, Value, cmd};

use super::commands::{eval, milliseconds};
use super::connection::{connect, exchange};
use super::failure::{Failure, sound};
use super::leases::{LEASE, Lease, RENEWAL, Task, heed};
use super::scripts;
use super::server::Server;
use super::sweep::Sweep;
use crate::store::{Cause, Change};
use crate::sync::active;

/// How many changes are written together.
const TOGETHER: usize = 50;
/// How old copies in memory may be where the changes of others are not heard.
const UNHEARD: Duration = Duration::from_secs(1);
/// After how many tries at which the server ceased to answer a change is given up.
const STUMBLES: u32 = 2;
/// How long the thread waits if it knows of nothing to do.
const IDLE: Duration = Duration::from_mins(1);

impl Server {
    /// Returns the sender to the thread, which is started if it does not run.
    pub(super) fn keeper(&self) -> Sender<Task> {
        let mut sender = self.keeping.sender.lock();
        if let Some(sender) = &*sender {
            return sender.clone();
        }
        let (new, tasks) = channel();
        let keeper = Keeper {
            server: Weak::clone(&self.me),
            tasks,
            connection: None,
            sweep: None,
            stumble: None,
        };
        let builder = thread::Builder::new().name("outlive-keeper".to_owned());
        if builder.spawn(move || keeper.run()).is_ok() {
            *sender = Some(new.clone());
        }
        new
    }

    /// Makes the thread look whether there is something to do.
    pub(super) fn wake(&self) {
        let _ = self.keeper().send(Task::Look);
    }

    /// Has the thread delete the entries that no longer count.
    pub(super) fn sweep(&self) {
        let _ = self.keeper().send(Task::Sweep);
    }
}

struct Keeper {
    server: Weak<Server>,
    tasks: Receiver<Task>,
    connection: Option<Connection>,
    /// What is left to sweep.
    sweep: Option<Sweep>,
    /// The number of the change at which the server ceased to answer, and how often it did.
    stumble: Option<(u64, u32)>,
}

impl Keeper {
    fn run(mut self) {
        let (mut renewed, mut dropped) = (Instant::now(), Instant::now());
        let mut pause = Duration::ZERO;
        loop {
            match self.tasks.recv_timeout(pause) {
                Ok(Task::Release(lease)) => self.release(&lease),
                Ok(Task::Sweep) => self.begin_sweep(),
                Ok(Task::End(ended)) => {
                    while self.sweep_slice() {}
                    let _ = ended.send(());
                    return;
                }
                Err(RecvTimeoutError::Disconnected) => return,
                Ok(Task::Look) | Err(RecvTimeoutError::Timeout) => {}
            }
            let Some(server) = self.server.upgrade() else { return };
            self.look_for(&server);
            self.catch_up(&server);
            if renewed.elapsed() >= RENEWAL {
                renewed = Instant::now();
                self.renew(&server);
            }
            if dropped.elapsed() >= UNHEARD {
                dropped = Instant::now();
                let _active = active();
                if !server.news.is_complete.load(Ordering::Acquire) && !server.is_away() {
                    server.news.forget_all();
                }
            }
            pause = Self::pause(&server, renewed, dropped);
            drop(server);
            if self.sweep_slice() {
                pause = Duration::ZERO;
            }
        }
    }

    /// Returns how long there is nothing to do.
    fn pause(server: &Server, renewed: Instant, dropped: Instant) -> Duration {
        let _active = active();
        let now = Instant::now();
        let mut pause = IDLE;
        let mut until = |left: Duration| pause = pause.min(left);
        // A full server is asked again only for what waits.
        let waits = !server.state.lock().backlog.is_empty();
        let away = server.breaker.lock().wait(now);
        let full = server.keeping.full.lock().wait(now).filter(|_| waits);
        if let Some(left) = away.or(full) {
            until(left);
        }
        if !server.leases.held().is_empty() {
            until(RENEWAL.saturating_sub(renewed.elapsed()));
        }
        if !server.news.is_complete.load(Ordering::Acquire) {
            until(UNHEARD.saturating_sub(dropped.elapsed()));
        }
        pause.max(Duration::from_millis(1))
    }

    /// Makes the server run `commands`.
    fn ask(
        &mut self,
        server: &Server,
        commands: &[u8],
        replies: usize,
    ) -> Result<Vec<Value>, Failure> {
        let timeout = server.address.timeout;
        let is_new = self.connection.is_none();
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => connect(&server.address, ProtocolVersion::RESP2)?,
        };
        let mut done = exchange(&mut connection, commands, replies, timeout);
        if done.is_err() && !is_new {
            connection = connect(&server.address, ProtocolVersion::RESP2)?;
            done = exchange(&mut connection, commands, replies, timeout);
        }
        if done.is_ok() {
            self.connection = Some(connection);
        }
        done
    }

    /// Begins anew, if a sweep is under way: a new generation has begun.
    fn begin_sweep(&mut self) {
        self.sweep = self.server.upgrade().map(|server| Sweep::new(&server.names));
    }

    /// Sweeps one slice, if there is any; returns whether more can be swept now.
    fn sweep_slice(&mut self) -> bool {
        let (Some(mut sweep), Some(server)) = (self.sweep.take(), self.server.upgrade()) else {
            return false;
        };
        if server.is_away_outside() {
            self.sweep = Some(sweep);
            return false;
        }
        let mut ask = |commands: &[u8], replies| self.ask(&server, commands, replies);
        match sweep.step(&server.names, &mut ask) {
            Ok(true) => {
                self.sweep = Some(sweep);
                return true;
            }
            Err(failure @ Failure::Down(_)) => {
                // It begins anew when the server is there again.
                self.begin_sweep();
                let _active = active();
                server.lose(&failure);
            }
            // What is left there is of no use, and in nobody's way.
            Ok(false) | Err(_) => {}
        }
        false
    }

    fn release(&mut self, lease: &Lease) {
        let Some(server) = self.server.upgrade() else { return };
        if server.is_away_outside() {
            return;
        }
        let command = eval(&scripts::RELEASE, &[&lease.name], &[&lease.token]);
        // If it cannot be released now, it runs out by itself.
        let _ = self.ask(&server, &command, 1);
    }

    fn renew(&mut self, server: &Server) {
        let held = {
            let _active = active();
            server.leases.held()
        };
        if held.is_empty() || server.is_away_outside() {
            return;
        }
        let mut commands = Vec::new();
        for lease in &held {
            let time = milliseconds(LEASE);
            commands.extend(eval(&scripts::RENEW, &[&lease.name], &[&lease.token, &time]));
        }
        match self.ask(server, &commands, held.len()) {
            Ok(replies) => heed(&held, replies),
            Err(failure @ Failure::Down(_)) => {
                let _active = active();
                server.lose(&failure);
            }
            Err(_) => {}
        }
    }

    /// Tries a server that is away, when it is time.
    fn look_for(&mut self, server: &Server) {
        let is_due = {
            let _active = active();
            server.breaker.lock().wait(Instant::now()) == Some(Duration::ZERO)
        };
        if !is_due {
            return;
        }
        self.connection = None;
        let found = self.ask(server, &cmd("PING").get_packed_command(), 1);
        let found =
            found.and_then(|replies| replies.into_iter().try_for_each(|it| sound(it).map(drop)));
        let _active = active();
        match found {
            Ok(()) => server.find_again(),
            Err(_) => drop(server.breaker.lock().trip(Instant::now())),
        }
    }

    /// Writes what waits.
    fn catch_up(&mut self, server: &Server) {
        loop {
            let (first, changes) = {
                let _active = active();
                let is_due = server.keeping.full.lock().wait(Instant::now());
                if server.is_away() || is_due.is_some_and(|left| left > Duration::ZERO) {
                    return;
                }
                // One by one, until it is clear which one the server does not take.
                let most = if self.stumble.is_some() { 1 } else { TOGETHER };
                server.state.lock().backlog.oldest(most)
            };
            if changes.is_empty() {
                self.stumble = None;
                return;
            }
            let (taken, failure) = self.write(server, &changes);
            let _active = active();
            server.state.lock().backlog.taken(first + taken);
            if let Some(failure) = failure {
                let left = changes.into_iter().skip(usize::try_from(taken).unwrap_or_default());
                if self.leave_out(server, first + taken, &left.collect::<Vec<_>>(), &failure) {
                    continue;
                }
                return Self::put_off(server, &failure);
            }
            if server.state.lock().backlog.is_empty() {
                let dropped = server.state.lock().backlog.take_dropped();
                let _ = server.keeping.full.lock().mend(Instant::now());
                server.notices.lock().caught_up(dropped);
            }
        }
    }

    /// Gives up the first of `changes`, whose number this is, if it is that one which the server does
    /// not take: it says so, or has ceased to answer at it more than once. Returns whether the next
    /// one can be written.
    fn leave_out(
        &mut self,
        server: &Server,
        number: u64,
        changes: &[(Change, Cause)],
        failure: &Failure,
    ) -> bool {
        let is_told = matches!(failure, Failure::Unfit(_));
        if !is_told && !matches!(failure, Failure::Down(_)) {
            return false;
        }
        let times = match self.stumble {
            Some((stumble, times)) if stumble == number => times + 1,
            _ => 1,
        };
        self.stumble = Some((number, times));
        let is_it = changes.len() == 1 && (is_told || times >= STUMBLES);
        if let Some((change, _)) = changes.first().filter(|_| is_it) {
            server.state.lock().backlog.taken(number + 1);
            server.notices.lock().unfit(change, failure.words());
        }
        is_told
    }

    fn put_off(server: &Server, failure: &Failure) {
        if matches!(failure, Failure::Down(_)) {
            server.lose(failure);
        } else {
            server.keeping.full.lock().trip(Instant::now());
            server.notices.lock().refused(failure.words());
        }
    }

    /// Returns how many of `changes` the server has taken, and why it took no more.
    fn write(&mut self, server: &Server, changes: &[(Change, Cause)]) -> (u64, Option<Failure>) {
        let (mut commands, mut sent) = (Vec::new(), Vec::new());
        {
            let _active = active();
            for (change, cause) in changes {
                let command = server.commands(change, *cause, false);
                sent.push(command.is_some());
                commands.extend(command.unwrap_or_default());
            }
        }
        let replies = sent.iter().filter(|sent| **sent).count();
        if replies == 0 {
            return (changes.len() as u64, None);
        }
        let replies = match self.ask(server, &commands, replies) {
            Ok(replies) => replies,
            Err(failure) => return (0, Some(failure)),
        };
        let (mut replies, mut taken) = (replies.into_iter(), 0);
        for (sent, (change, _)) in sent.into_iter().zip(changes) {
            let reply = if sent { replies.next() } else { None };
            if let Some(Err(failure)) = reply.map(sound) {
                return (taken, Some(failure));
            }
            if *change == Change::Clear {
                self.begin_sweep();
            }
            taken += 1;
        }
        (taken, None)
    }
}
