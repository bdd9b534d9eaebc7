//! The system's functions for files of any size, which are those that SQLite asks for: on 32 bits,
//! glibc has them under names of their own, and those of the usual names take sizes of 32 bits and
//! fill in a smaller `stat`.

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub use nix::libc::{fstat, ftruncate, off_t, open, pread, pwrite, stat};
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub use nix::libc::{
    fstat64 as fstat, ftruncate64 as ftruncate, off64_t as off_t, open64 as open, pread64 as pread,
    pwrite64 as pwrite, stat64 as stat,
};
