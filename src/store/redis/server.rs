//! A server as one process uses it.

use std::sync::Weak;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use redis::{ProtocolVersion, Value};

use super::address::Address;
use super::breaker::Breaker;
use super::commands::{Run, single};
use super::connection::{connect, exchange};
use super::failure::Failure;
use super::interest::Interest;
use super::keeping::Keeping;
use super::leases::Leases;
use super::listening::Listening;
use super::names::Names;
use super::news::News;
use super::pool::{Lent, Pool};
use super::state::State;
use super::telling::Notices;
use crate::sync::{Arc, Mutex, active, forks, rank};

/// What one process has of a server.
pub struct Server {
    pub(super) address: Address,
    pub(super) names: Names,
    pub(super) pool: Pool,
    /// Whether the server is left alone.
    pub(super) breaker: Mutex<Breaker, { rank::LEAF }>,
    pub(super) state: Mutex<State, { rank::FILE }>,
    pub(super) leases: Leases,
    pub(super) notices: Mutex<Notices, { rank::NOTICES }>,
    /// What others did.
    pub(super) news: News,
    /// Whose news matter.
    pub(super) interest: Interest,
    pub(super) keeping: Keeping,
    pub(super) listening: Listening,
    /// How many forks lay behind the process that it belongs to.
    forks: AtomicU64,
    /// Itself, for threads that do not keep it alive.
    pub(super) me: Weak<Self>,
}

impl Server {
    /// Nothing is open yet.
    pub fn new(address: Address) -> Arc<Self> {
        let names = Names::new(&address.name);
        Arc::new_cyclic(|me| Self {
            notices: Mutex::new(Notices::new(address.shown.clone())),
            address,
            names,
            pool: Pool::default(),
            breaker: Mutex::default(),
            state: Mutex::default(),
            leases: Leases::default(),
            news: News::new(),
            interest: Interest::default(),
            keeping: Keeping::default(),
            listening: Listening::default(),
            forks: AtomicU64::new(forks::count()),
            me: Weak::clone(me),
        })
    }

    /// In the child of a fork: leaves connections, leases and what waits to be written to the
    /// parent. Its threads are not here: what others do meanwhile is not heard until they are
    /// started again.
    pub fn leave_parent(&self) {
        let now = forks::count();
        if self.forks.swap(now, Ordering::AcqRel) != now {
            self.pool.close();
            self.leases.forget();
            self.keeping.forget();
            self.listening.end();
            self.news.is_complete.store(false, Ordering::Release);
            let mut state = self.state.lock();
            state.backlog.clear();
            state.is_open = false;
            drop(state);
            self.news.forget_all();
        }
    }

    /// Returns whether the server may not be asked.
    pub fn is_away(&self) -> bool {
        self.breaker.lock().is_open()
    }

    /// Returns the same to a thread that is not inside the cache.
    pub fn is_away_outside(&self) -> bool {
        let _active = active();
        self.is_away()
    }

    /// Has the server do `commands`, which are sent together, and gives a reply to each. Waits for
    /// as long as one exchange may take, and not at all while the server is away.
    pub fn ask(&self, commands: &[u8], replies: usize) -> Result<Vec<Value>, Failure> {
        if self.is_away() {
            return Err(Failure::Away);
        }
        let asked = self.try_ask(commands, replies);
        if let Err(failure @ Failure::Down(_)) = &asked {
            self.lose(failure);
        }
        asked
    }

    /// Has the server run a script, whose text it gets only if it does not know it.
    pub fn run(&self, run: &Run<'_>) -> Result<Value, Failure> {
        let reply = single(self.ask(&run.known(), 1)?);
        match &reply {
            Value::ServerError(error) if error.code() == "NOSCRIPT" => {
                self.ask(&run.whole(), 1).map(single)
            }
            _ => Ok(reply),
        }
    }

    pub(super) fn try_ask(&self, commands: &[u8], replies: usize) -> Result<Vec<Value>, Failure> {
        let timeout = self.address.timeout;
        let mut lent = self.pool.take().map_or_else(|| self.connected(), Ok)?;
        let begun = Instant::now();
        let mut done = exchange(&mut lent.connection, commands, replies, timeout);
        let is_lost = matches!(done, Err(Failure::Down(_)));
        if is_lost && !lent.is_new && begun.elapsed() < timeout / 2 {
            // The server had closed it while nobody used it.
            self.pool.close();
            lent = self.connected()?;
            done = exchange(&mut lent.connection, commands, replies, timeout);
        }
        let found = down(&done);
        match (done, found) {
            (Ok(values), None) => {
                self.pool.give_back(lent);
                Ok(values)
            }
            (Err(failure), _) | (Ok(_), Some(failure)) => Err(failure),
        }
    }

    fn connected(&self) -> Result<Lent, Failure> {
        connect(&self.address, ProtocolVersion::RESP2).map(|made| self.pool.lend(made))
    }

    /// The server does not answer: nobody asks it for a while.
    pub(super) fn lose(&self, failure: &Failure) {
        self.pool.close();
        let is_news = self.breaker.lock().trip(Instant::now());
        if is_news {
            self.notices.lock().begin_outage(failure.words());
        }
        self.wake();
    }

    /// The server answers again: everybody may ask it.
    pub(super) fn find_again(&self) {
        let after = self.breaker.lock().mend(Instant::now());
        if let Some(after) = after {
            self.notices.lock().end_outage(after);
        }
    }
}

/// Returns whether one of the replies says that this server does not do what it is asked.
fn down(replies: &Result<Vec<Value>, Failure>) -> Option<Failure> {
    let failures = replies.iter().flatten().filter_map(|reply| match reply {
        Value::ServerError(error) => Some(Failure::of(error)),
        _ => None,
    });
    failures.into_iter().find(|failure| matches!(failure, Failure::Down(_)))
}
