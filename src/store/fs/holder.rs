//! The process that holds a lock, for warnings: the kernel lists the locks on each open file.

use std::fs;
use std::path::{Path, PathBuf};

use super::platform::names_in;

/// Returns the process that has the byte at `start` of the file `inode` locked, if it is this
/// user's.
pub fn holder(inode: u64, start: u64) -> Option<u32> {
    let wanted = (format!(":{inode} "), start);
    let names = names_in(Path::new("/proc")).ok()?;
    let pids = names.iter().filter_map(|name| name.to_str()?.parse::<u32>().ok());
    pids.filter(|&pid| pid != std::process::id()).find(|&pid| has_lock(pid, &wanted))
}

fn has_lock(pid: u32, (file, start): &(String, u64)) -> bool {
    let folder = PathBuf::from(format!("/proc/{pid}/fdinfo"));
    let Ok(names) = names_in(&folder) else { return false };
    let mut facts = names.iter().filter_map(|name| fs::read_to_string(folder.join(name)).ok());
    // `lock: 1: OFDLCK ADVISORY WRITE -1 fe:00:4711 10 12`; locks side by side are one.
    let is_it = |line: &str| {
        let ends = line.split_once(file.as_str()).filter(|_| line.starts_with("lock:"));
        let numbers = ends.and_then(|(_, ends)| ends.split_once(' '));
        let (first, last) = numbers.map_or(("", ""), |ends| ends);
        let first = first.parse::<u64>().is_ok_and(|first| first <= *start);
        first && (last == "EOF" || last.parse::<u64>().is_ok_and(|last| *start <= last))
    };
    facts.any(|facts| facts.lines().any(is_it))
}
