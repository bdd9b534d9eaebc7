//! Files of databases whose descriptors a program may have closed: a daemon closes all, and the
//! files that it opens next get their numbers. SQLite would read, cut and overwrite those.
//!
//! SQLite asks the system through functions that can be exchanged. Ours note which file was opened
//! under which number, and look before each use whether it is still that file. If it is not, the
//! use fails as that of a closed descriptor does, and closing it closes nothing. The locks of a
//! file need no such look: nobody else has locks where SQLite's are.

use std::collections::BTreeMap;
use std::ffi::{CStr, CString, c_char, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr;
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

use nix::libc::{self, c_int, size_t, ssize_t};
use rusqlite::ffi as sqlite;

use super::large_files::{self, off_t, stat};
use crate::store::look_at_files_by;

/// The files that SQLite has opened, by descriptor.
static FILES: Mutex<BTreeMap<c_int, Opened>> = Mutex::new(BTreeMap::new());

/// A file that SQLite has opened.
struct Opened {
    /// Its device and inode.
    identity: (u64, u64),
    path: CString,
}

/// Makes SQLite look before it uses a descriptor. The first call counts.
pub fn guard_databases() {
    static DONE: Once = Once::new();
    DONE.call_once(|| {
        look_at_files_by(are_ours);
        // SAFETY: null means the default one, which lives as long as the process.
        let vfs = unsafe { sqlite::sqlite3_vfs_find(ptr::null()) };
        // SAFETY: it is null or points to one.
        let Some(exchange) = (unsafe { vfs.as_ref() }).and_then(|it| it.xSetSystemCall) else {
            return;
        };
        for (name, function) in functions() {
            // SAFETY: the function has the signature of the one of this name that SQLite documents
            // in `aSyscall`, to which it converts the pointer back before each call.
            unsafe {
                let function = std::mem::transmute::<*const (), unsafe extern "C" fn()>(function);
                exchange(vfs, name.as_ptr(), Some(function));
            }
        }
    });
}

fn functions() -> Vec<(&'static CStr, *const ())> {
    vec![
        (c"open", open as *const ()),
        (c"close", close as *const ()),
        (c"fstat", fstat as *const ()),
        (c"ftruncate", ftruncate as *const ()),
        (c"read", read as *const ()),
        (c"write", write as *const ()),
        (c"pread", pread as *const ()),
        (c"pwrite", pwrite as *const ()),
        (c"pread64", pread as *const ()),
        (c"pwrite64", pwrite as *const ()),
    ]
}

/// Returns which file has the number; None if none has.
fn identity(file: c_int) -> Option<(u64, u64)> {
    let mut found = std::mem::MaybeUninit::<stat>::uninit();
    // SAFETY: it fills in what it is given, and that is read only if it did.
    let found = unsafe {
        if large_files::fstat(file, found.as_mut_ptr()) != 0 {
            return None;
        }
        found.assume_init()
    };
    // The types differ from system to system.
    #[allow(
        clippy::unnecessary_cast,
        clippy::cast_lossless,
        clippy::cast_sign_loss,
        reason = "see above"
    )]
    Some((found.st_dev as u64, found.st_ino as u64))
}

fn files() -> MutexGuard<'static, BTreeMap<c_int, Opened>> {
    FILES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns whether `file` is still what SQLite opened under this number.
fn is_ours(file: c_int) -> bool {
    let known = files().get(&file).map(|opened| opened.identity);
    known.is_none_or(|known| identity(file) == Some(known))
}

/// Returns whether the program has closed none of the files of the database at `path`.
fn are_ours(path: &Path) -> bool {
    let path = path.as_os_str().as_bytes();
    let all = files();
    let mut of_it = all.iter().filter(|(_, opened)| opened.path.to_bytes().starts_with(path));
    of_it.all(|(&file, opened)| identity(file) == Some(opened.identity))
}

/// Returns what `act` does to `file` if that is still ours, else -1 with the error of a closed one.
fn unless_lost<T: From<i8>>(file: c_int, act: impl FnOnce() -> T) -> T {
    if is_ours(file) {
        return act();
    }
    nix::errno::Errno::EBADF.set();
    T::from(-1)
}

unsafe extern "C" fn open(path: *const c_char, flags: c_int, mode: c_int) -> c_int {
    // SAFETY: the caller keeps the contract of the system's function, here and below.
    let file = unsafe { large_files::open(path, flags, mode) };
    if let Some(identity) = (file >= 0).then(|| identity(file)).flatten() {
        // SAFETY: it is the text that was just opened.
        let path = unsafe { CStr::from_ptr(path) }.to_owned();
        files().insert(file, Opened { identity, path });
    }
    file
}

unsafe extern "C" fn close(file: c_int) -> c_int {
    let ours = is_ours(file);
    files().remove(&file);
    // SAFETY: as above.
    if ours { unsafe { libc::close(file) } } else { 0 }
}

unsafe extern "C" fn fstat(file: c_int, into: *mut stat) -> c_int {
    // SAFETY: as above.
    unless_lost(file, || unsafe { large_files::fstat(file, into) })
}

unsafe extern "C" fn ftruncate(file: c_int, size: off_t) -> c_int {
    // SAFETY: as above.
    unless_lost(file, || unsafe { large_files::ftruncate(file, size) })
}

unsafe extern "C" fn read(file: c_int, into: *mut c_void, size: size_t) -> ssize_t {
    // SAFETY: as above.
    unless_lost(file, || unsafe { libc::read(file, into, size) })
}

unsafe extern "C" fn write(file: c_int, bytes: *const c_void, size: size_t) -> ssize_t {
    // SAFETY: as above.
    unless_lost(file, || unsafe { libc::write(file, bytes, size) })
}

unsafe extern "C" fn pread(file: c_int, into: *mut c_void, size: size_t, at: off_t) -> ssize_t {
    // SAFETY: as above.
    unless_lost(file, || unsafe { large_files::pread(file, into, size, at) })
}

unsafe extern "C" fn pwrite(file: c_int, bytes: *const c_void, size: size_t, at: off_t) -> ssize_t {
    // SAFETY: as above.
    unless_lost(file, || unsafe { large_files::pwrite(file, bytes, size, at) })
}
