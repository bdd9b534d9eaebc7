//! The process that holds a lock, for warnings: the kernel lists the locks on each open file.

use std::fs;

/// Returns the process that has the byte at `start` of the file `inode` locked, if it is this
/// user's.
pub fn holder(inode: u64, start: u64) -> Option<u32> {
    let wanted = format!(":{inode} {start} {start}");
    let pids = fs::read_dir("/proc").ok()?.flatten();
    let pids = pids.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|&pid| pid != std::process::id()).find(|&pid| has_lock(pid, &wanted))
}

fn has_lock(pid: u32, wanted: &str) -> bool {
    let Ok(files) = fs::read_dir(format!("/proc/{pid}/fdinfo")) else { return false };
    let mut facts = files.flatten().filter_map(|file| fs::read_to_string(file.path()).ok());
    facts.any(|facts| facts.lines().any(|line| line.starts_with("lock:") && line.ends_with(wanted)))
}
