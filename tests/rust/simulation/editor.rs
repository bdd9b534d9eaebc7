//! An editor, which knows nothing of the journals.

use std::sync::Arc;

use serde_json::{Map, Value as Json, json};

use super::machine::SNAPSHOT;
use super::play::{Play, edited};

/// The number of the editor, which is not a simulated process.
const EDITOR: usize = usize::MAX;

/// Gives an entry a new value and writes the whole file: by a rename, or in place.
pub fn edit(play: &Arc<Play>, number: usize, renames: bool) {
    let scheduler = &play.machine.scheduler;
    if !play.machine.disk().folder {
        return;
    }
    let Some(mut entries) = entries(play) else { return };
    if play.machine.disk().find(SNAPSHOT).is_err() {
        // As far as the journals can tell, a file that is deleted and made again was edited.
        play.oracle.revived();
    }
    let key = edited(number);
    let text = play.result(&key);
    let start = scheduler.moment();
    let before = play.leaves_edits_alone();
    play.oracle.begin(std::slice::from_ref(&key), &Some(text.clone()), EDITOR, start);
    let value = serde_json::from_str(&text).expect("it is a JSON string");
    put(&mut entries, key, value);
    let bytes = serde_json::to_vec_pretty(&entries).expect("it is a JSON object");
    if renames && !play.machine.disk().mounted {
        replace(play, bytes);
    } else {
        rewrite(play, &bytes);
    }
    // A save meanwhile may have read the file before the edit, and written it after.
    let alone = before.0 && before == play.leaves_edits_alone();
    play.oracle.end(start, scheduler.moment(), alone);
    if !alone {
        if play.machine.disk().mounted {
            // Both write into one file: what was deleted since the editor read it may be in it again.
            for (key, text) in results(&entries) {
                play.oracle.begin(&[key], &Some(text), EDITOR, start);
            }
        }
        play.oracle.ended(EDITOR, scheduler.moment());
    }
}

/// Adds an entry in the format of the file: an annotated one has a last member that says so.
fn put(entries: &mut Map<String, Json>, key: String, value: Json) {
    let last = entries.remove("outlive");
    let entry = if last.is_some() { json!({ "result": value }) } else { value };
    entries.insert(key, entry);
    entries.extend(last.map(|last| ("outlive".to_owned(), last)));
}

fn entries(play: &Play) -> Option<Map<String, Json>> {
    let Some(bytes) = play.machine.disk().read(SNAPSHOT) else { return Some(Map::new()) };
    serde_json::from_slice(&bytes).ok()
}

/// Returns the keys and the texts of the results that processes of ours made.
fn results(entries: &Map<String, Json>) -> impl Iterator<Item = (String, String)> {
    let own = entries.iter().filter(|(key, _)| key.starts_with('k'));
    own.map(|(key, entry)| (key.clone(), entry.get("result").unwrap_or(entry).to_string()))
}

fn replace(play: &Play, bytes: Vec<u8>) {
    let now = play.machine.now();
    let mut disk = play.machine.disk();
    let Ok(number) = disk.make("edited", now) else { return };
    disk.file(number).bytes = bytes;
    disk.rename("edited", SNAPSHOT).expect("it was made a moment ago");
}

/// Writes the file in place: first it is empty, then half of it is there.
fn rewrite(play: &Play, bytes: &[u8]) {
    let now = play.machine.now();
    let mut disk = play.machine.disk();
    let number = disk.find(SNAPSHOT).or_else(|_| disk.make(SNAPSHOT, now));
    let Ok(number) = number else { return };
    let description = disk.open(number, EDITOR);
    disk.file(number).bytes.clear();
    disk.file(number).modified = now;
    drop(disk);
    for half in bytes.chunks(bytes.len() / 2 + 1) {
        play.machine.scheduler.step();
        let now = play.machine.now();
        let mut disk = play.machine.disk();
        disk.file(number).bytes.extend_from_slice(half);
        disk.file(number).modified = now;
    }
    play.machine.disk().close(description);
}
