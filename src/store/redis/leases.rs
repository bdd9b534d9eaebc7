//! The keys that this process computes, as all machines see them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, SyncSender};
use std::time::Duration;

use bytes::Bytes;
use redis::Value;

use crate::sync::{Arc, Mutex, forks, rank};

/// How long a key is taken unless the lease is renewed: after the death of its process, others wait
/// no longer.
pub const LEASE: Duration = Duration::from_secs(10);
/// How often leases are renewed.
pub const RENEWAL: Duration = Duration::from_secs(3);

/// A key that this process has.
#[derive(Debug)]
pub struct Lease {
    /// Its key on the server.
    pub name: Vec<u8>,
    /// Its value on the server.
    pub token: Vec<u8>,
    /// Since when entries counted when it was taken.
    pub generation: f64,
    is_over: AtomicBool,
    /// Whether somebody has forgotten or replaced what is being computed.
    is_outdated: AtomicBool,
    forks: u64,
    keeper: Sender<Task>,
}

impl Lease {
    /// A lease that this process has from now on; `keeper` releases it.
    pub fn new(name: Vec<u8>, token: Vec<u8>, generation: f64, keeper: Sender<Task>) -> Self {
        Self {
            name,
            token,
            generation,
            is_over: AtomicBool::new(false),
            is_outdated: AtomicBool::new(false),
            forks: forks::count(),
            keeper,
        }
    }

    /// Notes that the result has released it on the server.
    pub fn end(&self) {
        self.is_over.store(true, Ordering::Release);
    }

    /// Notes that the result is not to be kept. What says so on the server does not stay there.
    pub fn outdate(&self) {
        self.is_outdated.store(true, Ordering::Release);
    }

    /// Returns whether the result is not to be kept.
    pub fn is_outdated(&self) -> bool {
        self.is_outdated.load(Ordering::Acquire)
    }

    /// Returns whether it is released.
    pub fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Acquire)
    }
}

/// A task for the maintenance thread.
#[derive(Debug)]
pub enum Task {
    /// Look whether there is something to do.
    Look,
    /// Release a key.
    Release(Arc<Lease>),
    /// Delete the entries that no longer count.
    Sweep,
    /// End, and confirm it.
    End(SyncSender<()>),
}

/// Releases the key when it is dropped, unless the result did. Never waits, and takes no lock: it
/// may be dropped anywhere.
#[derive(Debug)]
pub struct Release(pub Arc<Lease>);

impl Drop for Release {
    fn drop(&mut self) {
        let Lease { forks, keeper, .. } = &*self.0;
        // A forked child inherits its parent's leases.
        if *forks == forks::count() && !self.0.is_over.swap(true, Ordering::AcqRel) {
            // Without a thread for it, the lease runs out by itself.
            let _ = keeper.send(Task::Release(Arc::clone(&self.0)));
        }
    }
}

/// Heeds the replies to the renewals of these leases.
pub fn heed(renewed: &[Arc<Lease>], replies: Vec<Value>) {
    let all = renewed.iter().zip(replies);
    all.filter(|(_, reply)| *reply == Value::Int(-1)).for_each(|(lease, _)| lease.outdate());
}

/// The leases that are held.
#[derive(Debug, Default)]
pub struct Leases(Mutex<HashMap<Bytes, Arc<Lease>>, { rank::LEAF }>);

impl Leases {
    /// Adds a lease; returns whether it is the only one, so that its keeper may be idle.
    pub fn add(&self, key: &Bytes, lease: &Arc<Lease>) -> bool {
        let mut all = self.0.lock();
        let is_only = all.is_empty();
        all.insert(key.clone(), Arc::clone(lease));
        is_only
    }

    /// Returns the lease of `key`.
    pub fn get(&self, key: &[u8]) -> Option<Arc<Lease>> {
        self.0.lock().get(key).filter(|lease| !lease.is_over()).cloned()
    }

    /// Returns all that are held, and forgets the others.
    pub fn held(&self) -> Vec<Arc<Lease>> {
        let mut all = self.0.lock();
        all.retain(|_, lease| !lease.is_over());
        all.values().cloned().collect()
    }

    /// Forgets all: they are another process's.
    pub fn forget(&self) {
        self.0.lock().clear();
    }
}
