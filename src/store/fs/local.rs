//! The file systems on which all processes see the same memory of a file.

use std::fs::File;

/// Returns whether writes to `file` appear at once in the memory of every process that maps it: it
/// is a regular file on a disk of this machine, of a kind known to keep that promise.
pub fn is_local(file: &File) -> bool {
    file.metadata().is_ok_and(|data| data.is_file()) && has_shared_memory(file)
}

#[cfg(target_os = "linux")]
fn has_shared_memory(file: &File) -> bool {
    rustix::fs::fstatfs(file).is_ok_and(|found| is_known(found.f_type))
}

#[cfg(target_os = "macos")]
fn has_shared_memory(file: &File) -> bool {
    nix::sys::statfs::fstatfs(file)
        .is_ok_and(|found| ["apfs", "hfs"].contains(&found.filesystem_type_name()))
}

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
fn has_shared_memory(_: &File) -> bool {
    false
}

/// Network file systems (NFS, SMB, 9p, Ceph), FUSE and all unlisted ones make no such promise.
#[cfg(target_os = "linux")]
fn is_known<N: Into<i64>>(kind: N) -> bool {
    const KNOWN: [i64; 9] = [
        0xef53,      // ext2, ext3, ext4
        0x5846_5342, // XFS
        0x9123_683e, // Btrfs
        0xf2f5_2010, // F2FS
        0xca45_1a4e, // bcachefs
        0x2fc1_2fc1, // ZFS
        0x0102_1994, // tmpfs
        0x8584_58f6, // ramfs
        0x794c_7630, // overlayfs
    ];
    // The kind is a signed number of 32 bits on some processors.
    KNOWN.contains(&(kind.into() & 0xffff_ffff))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    /// Disks of this machine share memory; network file systems and FUSE do not count as such.
    #[test]
    fn known_file_systems() {
        for local in [0xef53_i64, 0x5846_5342, 0x9123_683e, -0x6edc_97c2, 0x0102_1994, 0x794c_7630]
        {
            assert!(is_known(local), "{local:x}");
        }
        let (nfs, smb, smb2, fuse) = (0x6969_i64, 0x517b, 0xfe53_4d42, 0x6573_5546);
        for other in [nfs, smb, smb2, fuse, 0x0102_1997, 0x00c3_6400, 0] {
            assert!(!is_known(other), "{other:x}");
        }
    }

    /// A file of the temporary folder is local; a folder and a device are no such files.
    #[test]
    fn only_regular_files_are_local() {
        let file = tempfile::tempfile().expect("tests need a temporary folder");
        assert!(is_local(&file));
        for other in ["/", "/dev/null"] {
            assert!(!is_local(&File::open(other).expect("it is there")), "{other}");
        }
    }
}
