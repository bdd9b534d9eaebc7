//! The locks of a simulated process: what the kernel keeps for an open file.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use outlive::store::fs::{LockHandle, LockMode, LockPart, Map, Memory, Status, Taken, lost};

use super::disk::{Description, Disk, Lock, Number};
use super::fault::Effect;
use super::machine::View;

/// An open lock file of a process.
#[derive(Debug)]
pub struct OpenLock {
    /// The process that has it open.
    pub view: View,
    /// The file.
    pub number: Number,
    /// The open file.
    pub description: Description,
    /// How often the power had been lost when it was opened.
    pub boot: u64,
}

impl OpenLock {
    fn act<T>(
        &self,
        what: &str,
        name: &str,
        effect: Effect,
        act: impl FnOnce(&mut Disk, u64) -> io::Result<T>,
    ) -> io::Result<T> {
        self.view.act(what, name, effect, |disk, now| {
            if disk.is_open(self.description) { act(disk, now) } else { Err(lost()) }
        })
    }
}

impl LockHandle for OpenLock {
    fn try_lock(&self, part: LockPart, mode: LockMode) -> io::Result<Taken> {
        let lock = Lock { part, holder: self.description, alone: mode == LockMode::Exclusive };
        self.act("lock", &format!("{part:?} {mode:?}"), Effect::Look, |disk, _| {
            if disk.keyless && matches!(part, LockPart::Key(_) | LockPart::Keys { .. }) {
                return Ok(Taken::Unsupported);
            }
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
        if disk.boots == self.boot && disk.is_open(self.description) {
            disk.unlock(self.number, part, self.description);
        }
        drop(disk);
        machine.scheduler.note(|| format!("unlock {part:?}"));
    }

    fn status(&self) -> io::Result<Status> {
        let status =
            self.act("fstat", "lock", Effect::Look, |disk, _| Ok(disk.status(self.number)));
        if status.is_err() {
            // A process that cannot look at the page does not write to it.
            self.view.machine.disk().note_announced(self.view.process, false);
        }
        status
    }

    fn write_at(&self, start: u64, bytes: &[u8]) -> io::Result<()> {
        let start = usize::try_from(start).expect("a lock file is small");
        let written = self.act("write", "lock", Effect::Write, |disk, now| {
            disk.write_at(self.number, start, bytes, now);
            Ok(())
        });
        self.view.machine.disk().note_announced(self.view.process, written.is_ok());
        written
    }

    fn shares_memory(&self) -> bool {
        true
    }

    fn show(&self, _: Map, _: usize) -> io::Result<Box<dyn Memory>> {
        self.act("map", "lock", Effect::Look, |disk, _| {
            Ok(Box::new(Shown(disk.show(self.number))) as Box<dyn Memory>)
        })
    }
}

/// The mapped memory of a file, which stays as long as somebody maps it.
#[derive(Debug)]
struct Shown(Arc<[AtomicU64]>);

impl Memory for Shown {
    fn words(&self) -> &[AtomicU64] {
        &self.0
    }
}

impl Drop for OpenLock {
    fn drop(&mut self) {
        self.view.machine.disk().close(self.description);
    }
}
