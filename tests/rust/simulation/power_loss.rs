//! Power loss before each operation of a history, with each state of the disk that may follow.

use std::collections::HashSet;

use super::chooser::Script;
use super::disk::Number;
use super::history::{End, History, Life, Op};
use super::play::{Outcome, Setting, play};
use super::power::{Fate, Found};

/// Returns the history of a program that is started twice and syncs each result.
fn history() -> History {
    use Op::{Call, Clear, Close, Forget, Refresh, Save};
    let life = |ops: &[Op], end| Life { threads: vec![ops.to_vec()], end };
    let first = life(&[Call(0), Call(1), Save, Refresh(0), Forget(1), Save], End::Close);
    let second = life(&[Call(0), Refresh(2), Close, Call(3), Clear, Call(1)], End::Exit);
    let slots = vec![vec![first, second]];
    let (events, mounted, keyless) = (Vec::new(), false, false);
    History { slots, events, stay: 1, schedule: 0, synced: true, mounted, keyless }
}

/// Plays the history up to `cut` with the fate that `script` decides.
fn try_one(cut: u64, script: &[usize], traced: bool) -> Outcome {
    let fate = Some(Fate::Script(script.to_vec(), Vec::new()));
    play(&history(), Setting { cut, fate, ..Setting::scripted(Script::default()) }, traced)
}

/// What a process can tell of the files that it finds. Nobody is left who knows a stamp on the page
/// of a lock file: only the magic, and which fields have a stamp, can be told there.
type Appearance = Vec<(String, Number, Vec<u8>, Option<u64>)>;

fn appearance(found: Vec<Found>) -> Appearance {
    let seen = |(name, number, bytes, modified): Found| {
        let bytes = if name == "c.json.lock" { without_stamps(&bytes) } else { bytes };
        (name, number, bytes, modified)
    };
    found.into_iter().map(seen).collect()
}

fn without_stamps(page: &[u8]) -> Vec<u8> {
    let (magic, stamps) = page.split_at(page.len().min(8));
    let stamps = stamps.chunks(8).flat_map(|field| {
        let has_one = field.iter().any(|&byte| byte != 0);
        std::iter::repeat_n(u8::from(has_one), field.len())
    });
    magic.iter().copied().chain(stamps).collect()
}

/// If each result is synced, a power loss takes no returned result and brings back no deleted one,
/// whichever unsynced writes have reached the disk. Of disk states that look alike, one is played.
#[test]
fn nothing_is_lost_with_the_power() {
    let _alone = crate::alone();
    let (mut count, mut played) = (0, 0);
    for cut in 1.. {
        let Some(stable) = try_one(cut, &[], false).before_cut else {
            println!(
                "{count} states of the disk after {} operations, {played} of them played",
                cut - 1
            );
            return;
        };
        let (mut script, mut seen) = (Vec::new(), HashSet::new());
        loop {
            let mut fate = Fate::Script(script.clone(), Vec::new());
            count += 1;
            if seen.insert(appearance(stable.clone().lose_power(&mut fate))) {
                played += 1;
                check(cut, &script);
            }
            let Some(next) = fate.next() else { break };
            script = next;
        }
    }
}

fn check(cut: u64, script: &[usize]) {
    let Some(fault) = try_one(cut, script, false).fault else { return };
    let trace = try_one(cut, script, true).trace;
    panic!("{}\ncut {cut}, fate {script:?}: {fault}", trace.join("\n"));
}
