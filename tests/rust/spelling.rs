//! Names that the file system spells differently from the program.
//!
//! The tests run on a disk that ignores case and lists accents apart from their letters, as HFS+
//! does.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use outlive::store::fs::{Disk, Fs, Handle, LockHandle, Status};
use tempfile::TempDir;

use crate::stand::{Cache, names, put, strings};

/// The real disk, with names in lower case and accents composed with their letters.
#[derive(Debug)]
struct Hfs;

/// Returns the path under which the real disk stores `path`.
fn real(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_str().expect("tests use UTF-8");
    path.with_file_name(name.to_lowercase().replace("e\u{301}", "\u{e9}"))
}

impl Fs for Hfs {
    fn list(&self, folder: &Path) -> io::Result<Vec<OsString>> {
        let apart = |name: OsString| {
            name.to_str().expect("tests use UTF-8").replace('\u{e9}', "e\u{301}").into()
        };
        Ok(Disk.list(folder)?.into_iter().map(apart).collect())
    }

    fn resolve(&self, path: &Path) -> io::Result<PathBuf> {
        Ok(path.to_path_buf())
    }
    fn status(&self, path: &Path) -> io::Result<Status> {
        Disk.status(&real(path))
    }
    fn open_read(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        Disk.open_read(&real(path))
    }
    fn open_append(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        Disk.open_append(&real(path))
    }
    fn create_new(&self, path: &Path, like: Option<&Status>) -> io::Result<Box<dyn Handle>> {
        Disk.create_new(&real(path), like)
    }
    fn open_emptied(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        Disk.open_emptied(&real(path))
    }
    fn open_lock(&self, path: &Path, like: Option<&Status>) -> io::Result<Box<dyn LockHandle>> {
        Disk.open_lock(&real(path), like)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        Disk.rename(&real(from), &real(to))
    }
    fn copy(&self, from: &Path, to: &Path) -> io::Result<()> {
        Disk.copy(&real(from), &real(to))
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        Disk.remove(&real(path))
    }
    fn user(&self) -> Option<u32> {
        Disk.user()
    }
    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        Disk.sync_folder(folder)
    }
}

fn open(folder: &Path, name: &str) -> Cache {
    Cache::open_on(&folder.join(name), Arc::new(Hfs))
}

/// A killed process's journal is found and folded, even if the disk spells its name differently.
#[test]
fn a_journal_is_found_under_another_spelling() {
    for (name, listed) in [("A.json", "a.json"), ("\u{e9}.json", "\u{e9}.json")] {
        let folder = TempDir::new().expect("tests need a temporary folder");
        assert!(open(folder.path(), name).change(&put("paid", "1")));
        let mut next = open(folder.path(), name);
        assert_eq!(next.entries(), strings(&[("paid", "1")]), "{name}");
        assert!(next.change(&put("b", "2")) && next.close());
        assert_eq!(names(folder.path()), [listed]);
        assert_eq!(open(folder.path(), name).entries(), strings(&[("paid", "1"), ("b", "2")]));
    }
}

/// Two spellings of one name are one cache, whichever process is killed and whichever saves.
#[test]
fn two_spellings_are_one_cache() {
    let folder = TempDir::new().expect("tests need a temporary folder");
    let mut one = open(folder.path(), "A.json");
    assert!(one.change(&put("a", "1")) && one.save());
    let mut other = open(folder.path(), "a.JSON");
    assert!(other.change(&put("b", "2")) && one.change(&put("c", "3")));
    drop(one);
    assert!(other.save() && other.close());
    assert_eq!(names(folder.path()), ["a.json"]);
    let all = strings(&[("a", "1"), ("b", "2"), ("c", "3")]);
    assert_eq!(open(folder.path(), "A.JSON").entries(), all);
}
