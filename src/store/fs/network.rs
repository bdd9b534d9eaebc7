//! The file systems of other machines.

use std::path::Path;

/// Returns the name of the network file system that holds `folder`; `None` if that is on a disk of
/// this machine, or nobody knows. File systems in user space (FUSE) do not say what they are.
pub fn kind_of(folder: &Path) -> Option<&'static str> {
    system::kind_of(folder)
}

#[cfg(target_os = "linux")]
mod system {
    use std::path::Path;

    pub fn kind_of(folder: &Path) -> Option<&'static str> {
        rustix::fs::statfs(folder).ok().and_then(|found| named(found.f_type))
    }

    /// Returns the name of a kind of file systems, if it is one of networks.
    pub fn named<N: Into<i64>>(kind: N) -> Option<&'static str> {
        // The kind is a signed number of 32 bits on some processors.
        Some(match kind.into() & 0xffff_ffff {
            0x6969 => "NFS",
            0x517b | 0xff53_4d42 | 0xfe53_4d42 => "SMB",
            0x0102_1997 => "9p",
            0x00c3_6400 => "Ceph",
            0x5346_414f | 0x6b41_4653 => "AFS",
            0x7375_7245 => "Coda",
            0x0bd0_0bd0 => "Lustre",
            0x4750_4653 => "GPFS",
            0x0116_1970 => "GFS2",
            0x7461_636f => "OCFS2",
            _ => return None,
        })
    }
}

#[cfg(target_os = "macos")]
mod system {
    use std::path::Path;

    pub fn kind_of(folder: &Path) -> Option<&'static str> {
        let found = nix::sys::statfs::statfs(folder).ok()?;
        Some(match found.filesystem_type_name() {
            "nfs" => "NFS",
            "smbfs" => "SMB",
            "afpfs" => "AFP",
            "webdav" => "WebDAV",
            _ => return None,
        })
    }
}

#[cfg(windows)]
mod system {
    use std::path::{Component, Path, Prefix};

    /// A drive letter may stand for a share, too; only a path that names one says so.
    pub fn kind_of(folder: &Path) -> Option<&'static str> {
        let Some(Component::Prefix(prefix)) = folder.components().next() else { return None };
        matches!(prefix.kind(), Prefix::UNC(..) | Prefix::VerbatimUNC(..)).then_some("SMB")
    }
}

#[cfg(not(any(target_os = "linux", target_os = "macos", windows)))]
mod system {
    use std::path::Path;

    pub fn kind_of(_: &Path) -> Option<&'static str> {
        None
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::kind_of;
    use super::system::named;
    use std::path::Path;

    /// File systems of networks have names, also where their kind is a negative number; disks and
    /// what is in user space have none.
    #[test]
    fn kinds() {
        for (kind, name) in [(0x6969_i64, "NFS"), (0xff53_4d42, "SMB"), (-0x01ac_b2be, "SMB")] {
            assert_eq!(named(kind), Some(name), "{kind:x}");
        }
        for disk in [0xef53_i64, 0x5846_5342, 0x0102_1994, 0x794c_7630, 0x6573_5546] {
            assert_eq!(named(disk), None, "{disk:x}");
        }
    }

    /// What the kernel shows of itself is on no network; of a folder that is not there nothing is
    /// known.
    #[test]
    fn folders() {
        assert_eq!(kind_of(Path::new("/proc")), None);
        assert_eq!(kind_of(Path::new("/nobody/has/made/this")), None);
    }
}
