//! Tests of the core, without Python: one file per concept.

mod cache;
mod crash;
#[cfg(feature = "sqlite")]
mod database;
mod files;
mod flight;
mod format;
mod hostile;
mod hostile_files;
mod imports;
mod journal;
#[cfg(target_os = "linux")]
mod key_locks;
mod late;
mod model;
mod moody;
#[cfg(feature = "sqlite")]
mod network;
mod nothing_lost;
#[cfg(target_os = "linux")]
mod page;
mod policy;
mod power;
mod receipts;
mod snapshot;
mod spelling;
mod stale_edits;
mod stand;
mod store;
mod stripes;
mod value;
