//! How much memory a file may take before it is better left alone.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

/// A smaller file is read without asking.
const SMALL: u64 = 64 << 20;

/// Fails if `size` bytes, and what is made of them, do not fit into the free memory.
pub fn check(size: u64) -> io::Result<()> {
    let needed = size.saturating_add(size / 8);
    match if size > SMALL { available() } else { None } {
        Some(left) if needed > left => Err(io::Error::new(
            ErrorKind::OutOfMemory,
            format!("it has {}, and {} of memory are left", megabytes(size), megabytes(left)),
        )),
        _ => Ok(()),
    }
}

fn megabytes(bytes: u64) -> String {
    format!("{} MB", bytes >> 20)
}

/// Returns how many bytes are still available, by the machine and by the control group of this
/// process; `None` if the system does not say.
fn available() -> Option<u64> {
    let machine = meminfo(&fs::read_to_string("/proc/meminfo").ok()?)?;
    let group = fs::read_to_string("/proc/self/cgroup").ok().and_then(|groups| group_left(&groups));
    Some(group.map_or(machine, |group| group.min(machine)))
}

/// Returns what the machine has: available memory, and swap.
fn meminfo(text: &str) -> Option<u64> {
    let kilobytes = |name: &str| -> Option<u64> {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse().ok()
    };
    Some((kilobytes("MemAvailable:")? + kilobytes("SwapFree:").unwrap_or(0)) << 10)
}

/// Returns the least that any of the surrounding control groups leaves (version 2; of version 1,
/// our own).
fn group_left(groups: &str) -> Option<u64> {
    let of = |prefix: &str| groups.lines().find_map(|line| line.strip_prefix(prefix));
    let second = of("0::").and_then(|path| least_left(path, "/sys/fs/cgroup", V2));
    let first = groups.lines().find_map(|line| line.split_once(":memory:")).map(|(_, path)| path);
    let first = first.and_then(|path| least_left(path, "/sys/fs/cgroup/memory", V1));
    [second, first].into_iter().flatten().min()
}

/// The files of a limit and of its usage.
type Files = [&'static str; 2];
const V2: Files = ["memory.max", "memory.current"];
const V1: Files = ["memory.limit_in_bytes", "memory.usage_in_bytes"];

fn least_left(path: &str, root: &str, files: Files) -> Option<u64> {
    let inner = Path::new(root).join(path.trim_start_matches('/'));
    let groups = inner.ancestors().take_while(|group| group.starts_with(root));
    groups.filter_map(|group| left(group, files)).min()
}

fn left(group: &Path, files: Files) -> Option<u64> {
    let [limit, used] =
        files.map(|name| fs::read_to_string(group.join(name)).ok()?.trim().parse().ok());
    let (limit, used): (u64, u64) = (limit?, used?);
    Some(limit.saturating_sub(used))
}

#[cfg(test)]
mod tests {
    use super::{available, check, group_left, meminfo};

    /// The kernel's formats are parsed.
    #[test]
    fn the_kernel_s_words() {
        let text = "MemTotal:  9 kB\nMemAvailable:    2 kB\nSwapFree:       1 kB\n";
        assert_eq!(meminfo(text), Some(3 << 10));
        assert_eq!(meminfo("MemTotal: 9 kB\n"), None);
        assert_eq!(group_left("0::/no/such/group/of/ours\n5:cpu:/x\n"), group_left("0::/\n"));
    }

    /// No machine has room for a million terabytes; each has room for an empty file.
    #[test]
    fn too_much_is_refused() {
        assert!(check(0).is_ok());
        assert_eq!(check(u64::MAX).is_err(), available().is_some());
    }
}
