//! The locks of a simulated process: what the kernel keeps for an open file.

use std::fs::File;
use std::io;

use outlive::store::fs::{LockHandle, LockMode, LockPart, Status, Taken};

use super::disk::{Description, Lock, Number};
use super::fault::Effect;
use super::machine::View;

/// An open lock file of a process.
#[derive(Debug)]
pub struct OpenLock {
    /// Of which process.
    pub view: View,
    /// Which file.
    pub number: Number,
    /// Which open file.
    pub description: Description,
    /// Since which loss of power.
    pub boot: u64,
}

impl LockHandle for OpenLock {
    fn try_lock(&self, part: LockPart, mode: LockMode) -> io::Result<Taken> {
        let lock = Lock { part, holder: self.description, alone: mode == LockMode::Exclusive };
        self.view.act("lock", &format!("{part:?} {mode:?}"), Effect::Look, |disk, _| {
            Ok(if disk.lock(self.number, lock) { Taken::Yes } else { Taken::Busy })
        })
    }

    fn unlock(&self, part: LockPart) {
        let machine = &self.view.machine;
        machine.scheduler.step();
        let mut disk = machine.disk();
        if disk.is_shared(self.description) {
            machine.abused("a child gives its parent's lock back");
        }
        if disk.boots == self.boot {
            disk.unlock(self.number, part, self.description);
        }
        drop(disk);
        machine.scheduler.note(|| format!("unlock {part:?}"));
    }

    fn status(&self) -> io::Result<Status> {
        self.view.act("fstat", "lock", Effect::Look, |disk, _| Ok(disk.status(self.number)))
    }

    fn write_at(&self, start: u64, bytes: &[u8]) -> io::Result<()> {
        self.view.act("write", "lock", Effect::Write, |disk, now| {
            let start = usize::try_from(start).expect("a lock file is small");
            disk.write_at(self.number, start, bytes, now);
            Ok(())
        })
    }

    fn file(&self) -> Option<&File> {
        None
    }
}

impl Drop for OpenLock {
    fn drop(&mut self) {
        self.view.machine.disk().close(self.description);
    }
}
