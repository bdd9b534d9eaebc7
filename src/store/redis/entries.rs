//! Single entries: read, kept and forgotten.

use std::sync::atomic::Ordering;

use bytes::Bytes;
use redis::Value;

use super::commands::{
    array, bytes, command, eval, generation, milliseconds, now, number, present, single,
};
use super::failure::{Failure, sound};
use super::leases::LEASE;
use super::scripts;
use super::server::Server;
use super::value::{self, HEAD};
use crate::error::{Error, Result};
use crate::store::snapshot::{salt_item, salt_of};
use crate::store::{Cause, Change, ExternalChange, Item};

impl Server {
    /// Returns the entry of `key`.
    pub fn get(&self, key: &[u8]) -> Option<Item> {
        if let Some(waiting) = self.state.lock().backlog.waiting(key) {
            return waiting.item();
        }
        self.interest.add(key);
        let asked = self.ask(&command("MGET", &self.names_of(key)), 1);
        let found = asked.and_then(|replies| array(single(replies)));
        self.answered(found.and_then(|found| self.entry_of(key, found)))?
    }

    /// Returns the entries of `keys`, which one exchange asks for; they are not looked after.
    pub fn get_many(&self, keys: &[Bytes]) -> Vec<Option<Item>> {
        let mut commands = Vec::new();
        for key in keys {
            commands.extend(command("MGET", &self.names_of(key)));
        }
        let asked = self.ask(&commands, keys.len());
        let entries = asked.and_then(|replies| {
            let entry = |(key, reply): (&Bytes, Value)| self.entry_of(key, array(reply)?);
            keys.iter().zip(replies).map(entry).collect()
        });
        let mut entries: Vec<Option<Item>> =
            self.answered(entries).unwrap_or_else(|| vec![None; keys.len()]);
        let state = self.state.lock();
        for (key, entry) in keys.iter().zip(&mut entries) {
            if let Some(waiting) = state.backlog.waiting(key) {
                *entry = waiting.item();
            }
        }
        entries
    }

    /// The names of all that says what counts as the entry of `key`.
    pub(super) fn names_of(&self, key: &[u8]) -> [Vec<u8>; 3] {
        [self.names.generation_of_all(), self.names.generation_of(key), self.names.entry(key)]
    }

    /// Makes an entry of two generations and a value.
    pub(super) fn entry_of(
        &self,
        key: &[u8],
        mut found: Vec<Value>,
    ) -> std::result::Result<Option<Item>, Failure> {
        let value = bytes(found.pop().unwrap_or_default())?;
        let Some(value) = value else { return Ok(None) };
        let generation = generation(found)?;
        let Some(head) = value::head(&value) else {
            self.notices.lock().damaged(key);
            return Ok(None);
        };
        if head.generation < generation {
            return Ok(None);
        }
        let item = value::read(key, value);
        if item.is_none() {
            self.notices.lock().damaged(key);
        }
        Ok(item)
    }

    /// Returns an answer; reports why there is none.
    pub(super) fn answered<T>(&self, answer: std::result::Result<T, Failure>) -> Option<T> {
        if let Err(Failure::Refused(why) | Failure::Unfit(why)) = &answer {
            self.notices.lock().failed("read", why);
        }
        answer.ok()
    }

    /// Returns whether there is an entry of `key`.
    pub fn contains(&self, key: &[u8]) -> bool {
        if let Some(waiting) = self.state.lock().backlog.waiting(key) {
            return waiting.item().is_some();
        }
        let generations = [self.names.generation_of_all(), self.names.generation_of(key)];
        let mut commands = command("MGET", &generations);
        commands.extend(head_of(&self.names.entry(key)));
        let found = self.ask(&commands, 2).and_then(|mut replies| {
            let head = present(bytes(replies.pop().unwrap_or_default()))?.unwrap_or_default();
            let since = generation(array(single(replies))?)?;
            Ok(value::head(&head).is_some_and(|head| head.generation >= since))
        });
        self.answered(found).unwrap_or(false)
    }

    /// Writes `change`; a change that fails waits for the next time. Returns `false` if it is the
    /// result of a computation that was outdated.
    pub fn append(&self, change: Change, cause: Cause) -> Result<bool> {
        {
            let mut state = self.state.lock();
            if state.only_reads {
                return Err(self.failed(std::io::ErrorKind::ReadOnlyFilesystem.into()));
            }
            match &change {
                Change::Put(item) => state.salt = salt_of(item).or(state.salt.take()),
                Change::Clear => state.salt = None,
                Change::Remove(_) => {}
            }
            if !state.backlog.is_empty() {
                // Waiting changes go first, and this one with them.
                state.backlog.push(change, cause);
                drop(state);
                return Err(self.refused(&Failure::Away));
            }
        }
        match self.write(&change, cause, true) {
            Ok(kept) => Ok(kept),
            Err(Failure::Unfit(why)) => Err(self.leave_out(&change, &why)),
            Err(failure) => {
                self.state.lock().backlog.push(change, cause);
                if !matches!(failure, Failure::Away | Failure::Down(_)) {
                    self.notices.lock().refused(failure.words());
                }
                self.wake();
                Err(self.refused(&failure))
            }
        }
    }

    /// Gives up a change that the server does not take. What it holds of that key is no longer true.
    fn leave_out(&self, change: &Change, why: &str) -> Error {
        self.notices.lock().unfit(change, why);
        if let Change::Put(Item { key, .. }) = change {
            let _ = self.write(&Change::Remove(key.clone()), Cause::Upkeep, true);
        }
        self.refused(&Failure::Unfit(why.to_owned()))
    }

    /// Stores the salt, unless there is one already, which is then in force.
    pub(super) fn keep_salt(&self, salt: &str) -> std::result::Result<(), Failure> {
        let meta = self.names.meta();
        let field = &b"salt"[..];
        let mut commands = command("HSETNX", &[&meta[..], field, salt.as_bytes()]);
        commands.extend(command("HGET", &[&meta[..], field]));
        let mut replies = self.ask(&commands, 2)?.into_iter();
        number(replies.next().unwrap_or_default())?;
        let found = bytes(replies.next().unwrap_or_default())?;
        self.state.lock().salt = Some(salt.to_owned());
        self.take_salt(found);
        Ok(())
    }

    /// Takes the salt of the server.
    fn take_salt(&self, found: Option<Vec<u8>>) {
        let Some(found) = found.and_then(|salt| String::from_utf8(salt).ok()) else { return };
        let old = self.state.lock().salt.replace(found.clone());
        if old.as_ref() != Some(&found) {
            self.news.add([ExternalChange::Change(Change::Put(salt_item(&found)))]);
        }
    }

    /// Reads the salt of the server. If it was lost there, by eviction or a flush, it is put back:
    /// with another one, results of calls with secrets could not be found.
    pub(super) fn look_for_salt(&self) {
        let asked = self.ask(&command("HGET", &[&self.names.meta()[..], b"salt"]), 1);
        let found = asked.and_then(|replies| bytes(single(replies)));
        let Some(found) = self.answered(found) else { return };
        let state = self.state.lock();
        let lost = state.salt.clone().filter(|_| found.is_none() && !state.only_reads);
        drop(state);
        match lost {
            // After a failure it stays as it is.
            Some(lost) => drop(self.keep_salt(&lost)),
            None => self.take_salt(found),
        }
    }

    /// Returns what others did since the last call.
    pub fn external_changes(&self) -> Vec<ExternalChange> {
        if self.news.is_salt_doubtful.swap(false, Ordering::AcqRel)
            && self.state.lock().salt.is_some()
        {
            self.look_for_salt();
        }
        self.news.take()
    }

    /// Begins a generation of the function with this name; returns whether that worked.
    pub fn clear_named(&self, name: &[u8]) -> bool {
        let state = self.state.lock();
        if state.only_reads || !state.backlog.is_empty() {
            return false;
        }
        drop(state);
        let begin = eval(&scripts::BEGIN, &[&self.names.generation(name)], &[&now()]);
        let asked = self.ask(&begin, 1).and_then(|replies| sound(single(replies)));
        let is_done = self.answered(asked).is_some();
        if is_done {
            self.sweep();
        }
        is_done
    }

    /// Outdates the computation of `key`, on any machine.
    pub(super) fn outdate_key(&self, key: &[u8]) -> Result<()> {
        let command = eval(&scripts::OUTDATE, &[&self.names.lease(key)], &[&milliseconds(LEASE)]);
        self.told(self.ask(&command, 1).and_then(|replies| sound(single(replies))))
    }

    /// Checks an answer without contents; reports why there is none.
    pub(super) fn told<T>(&self, answer: std::result::Result<T, Failure>) -> Result<()> {
        answer.map(drop).map_err(|failure| self.refused(&failure))
    }

    /// Makes an error of the store of a failure.
    pub(super) fn refused(&self, failure: &Failure) -> Error {
        self.failed(std::io::Error::new(failure.kind(), failure.words().to_owned()))
    }

    fn failed(&self, source: std::io::Error) -> Error {
        Error::Io { doing: "write to", path: (&self.address.shown).into(), source }
    }
}

/// Returns the command for the first bytes of the entry at `name`.
pub(super) fn head_of(name: &[u8]) -> Vec<u8> {
    let last = (HEAD - 1).to_string();
    command("GETRANGE", &[name, b"0", last.as_bytes()])
}
