//! Databases on the disks of other machines.

use std::sync::Arc;

use outlive::store::{Durability, SqliteOptions, SqliteStore, Store as _};
use tempfile::tempdir;

use super::moody::Moody;
use super::stand::{put, share};

/// What a database tells that is opened twice on a disk that is said to be `network`.
fn told(network: Option<&'static str>) -> Vec<String> {
    let folder = tempdir().expect("tests need a temporary folder");
    let disk = Moody::default();
    *disk.0.network.lock().expect("nobody panics in here") = network;
    let options =
        SqliteOptions { durability: Durability::Flush, page_size: 8192, map: Some(share) };
    let store = SqliteStore::with_fs(folder.path().join("cache.db"), options, Arc::new(disk));
    for text in ["1", "2"] {
        store.load();
        store.append(put("a", text)).expect("it can be written");
        store.close();
    }
    store.notices()
}

/// A database on a network drive works, and one notice says what may happen and what to use.
#[test]
fn a_network_drive_is_told() {
    let told = told(Some("NFS"));
    assert_eq!(told.len(), 1, "{told:?}");
    for part in ["cache.db is on a network drive (NFS)", "redis://", "local disk"] {
        assert!(told[0].contains(part), "{told:?}");
    }
}

/// Nothing is said of a disk of this machine.
#[test]
fn a_local_disk_is_no_news() {
    assert_eq!(told(None), Vec::<String>::new());
}
