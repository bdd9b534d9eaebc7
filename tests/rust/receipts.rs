//! Receipts of all runs beside a cache.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use outlive::store::{Counts, KeptReceipts, Receipts};
use tempfile::TempDir;

use crate::moody::Moody;

/// A folder, the receipts of the cache `name` in it, and a path there.
fn place(name: &str, beside: &str) -> (TempDir, KeptReceipts, PathBuf) {
    let folder = tempfile::tempdir().expect("tests need a temporary folder");
    let kept = KeptReceipts::beside(folder.path().join(name));
    let file = folder.path().join(beside);
    (folder, kept, file)
}

fn of(name: &str, counts: Counts) -> Receipts {
    Receipts::from([(name.to_owned(), counts)])
}

/// Runs add up, those that Python's json wrote, too, and unreadable lines are skipped.
#[test]
fn lines_add_up() {
    let (_folder, kept, file) = place("a.json", "a.json.receipts");
    assert_eq!(kept.read().expect("nothing is there"), Receipts::new());
    kept.add(&of("f", (2, 1, 1, 0.5, 0.0))).expect("it can be written");
    let python = r#"{"f": [1, 1, 0, 0, 2e0], "g\u00e4": [1, 0, 1, 0.0, 0.0]}"#;
    let text = fs::read_to_string(&file).expect("it is there");
    assert_eq!(text, "{\"f\":[2,1,1,0.5,0.0]}\n");
    fs::write(&file, format!("{text}{python}\n\n{{\"f\": [NaN, 1]}}\nnull\n3\n{{\"f\": [2, 1"))
        .expect("it can be written");
    kept.add(&of("h", (1, 0, 1, f64::INFINITY, f64::NAN))).expect("it can be written");
    let found = kept.read().expect("it is there");
    assert_eq!(found["f"], (3, 2, 1, 0.5, 2.0));
    assert_eq!((found["gä"], found["h"]), ((1, 0, 1, 0.0, 0.0), (1, 0, 1, 0.0, 0.0)));
}

/// A long file becomes one line, and a rest of an earlier try is in nobody's way.
#[test]
fn a_long_file_is_summed_up() {
    let (_folder, kept, file) = place("a.json", "a.json.receipts");
    fs::write(&file, "{\"g\": [1, 0, 1, 0.25, 0.0]}\n".repeat(3000)).expect("it can be written");
    fs::write(file.with_extension("receipts-new"), "torn").expect("it can be written");
    kept.add(&of("f", (1, 1, 0, 0.0, 0.0))).expect("it can be written");
    let text = fs::read_to_string(&file).expect("it is there");
    assert_eq!(text, "{\"f\":[1,1,0,0.0,0.0],\"g\":[3000,0,3000,750.0,0.0]}\n");
    assert!(!file.with_extension("receipts-new").exists());
}

/// A long file that cannot be summed up stays as it is, with the new line behind.
#[test]
fn no_room_for_a_sum_loses_nothing() {
    let (_folder, _, file) = place("a.json", "a.json.receipts");
    let lines = "{\"g\":[1,0,1,0.25,0.0]}\n".repeat(3000);
    fs::write(&file, &lines).expect("it can be written");
    let disk = Moody::default();
    disk.0.full.store(true, Ordering::Relaxed);
    let kept = KeptReceipts::on(Arc::new(disk), file.with_extension(""));
    kept.add(&of("f", (1, 1, 0, 0.0, 0.0))).expect("a line can be written");
    let text = fs::read_to_string(&file).expect("it is there");
    assert_eq!(text, lines + "{\"f\":[1,1,0,0.0,0.0]}\n");
    assert!(!file.with_extension("receipts-new").exists());
}

/// The name of the file is shortened as those of all files beside a cache.
#[test]
fn a_long_name_is_shortened() {
    let (_folder, kept, file) = place(&format!("{}.json", "a".repeat(240)), "");
    kept.add(&of("f", (1, 1, 0, 0.0, 0.0))).expect("it can be written");
    let names: Vec<_> = fs::read_dir(file).expect("it is there").flatten().collect();
    assert!(names.iter().all(|name| name.file_name().len() < 143));
    assert_eq!(kept.read().expect("it is there").len(), 1);
}

/// A link, a pipe or a folder in its place is neither read nor written through.
#[cfg(unix)]
#[test]
fn what_is_not_ours_is_left_alone() {
    let (_folder, kept, file) = place("a.json", "a.json.receipts");
    let others = file.with_extension("others");
    fs::write(&others, "{\"f\": [1, 1, 0, 0.0, 0.0]}\n").expect("it can be written");
    let before = fs::read(&others).expect("it is there");
    std::os::unix::fs::symlink(&others, &file).expect("links can be made");
    assert_eq!(kept.read().expect("it is passed by"), Receipts::new());
    kept.add(&of("g", (1, 1, 0, 0.0, 0.0))).expect_err("a link is refused");
    assert_eq!(fs::read(&others).expect("it is there"), before);
    fs::remove_file(&file).expect("it can be removed");
    nix::unistd::mkfifo(&file, nix::sys::stat::Mode::S_IRWXU).expect("pipes can be made");
    assert_eq!(kept.read().expect("it is passed by"), Receipts::new());
    kept.add(&of("g", (1, 1, 0, 0.0, 0.0))).expect_err("a pipe is refused");
}
