//! The power is lost before each operation of a history, with each state of the disk that may
//! follow.

use super::chooser::Script;
use super::history::{End, History, Life, Op};
use super::play::{Outcome, Setting, play};
use super::power::Fate;

/// A program that is started twice, and syncs each result.
fn history() -> History {
    use Op::{Call, Clear, Close, Forget, Refresh, Save};
    let life = |ops: &[Op], end| Life { threads: vec![ops.to_vec()], end };
    let first = life(&[Call(0), Call(1), Save, Refresh(0), Forget(1), Save], End::Close);
    let second = life(&[Call(0), Refresh(2), Close, Call(3), Clear, Call(1)], End::Exit);
    let slots = vec![vec![first, second]];
    History { slots, events: Vec::new(), stay: 1, schedule: 0, synced: true, mounted: false }
}

/// Plays the history up to `cut` with the fate that `script` decides.
fn try_one(cut: u64, script: &[usize], traced: bool) -> Outcome {
    let fate = Some(Fate::Script(script.to_vec(), Vec::new()));
    play(&history(), Setting { cut, fate, ..Setting::scripted(Script::default()) }, traced)
}

/// With each result synced, nothing that was returned is lost with the power, and nothing deleted
/// comes back, whatever the disk has taken of what it was not told to sync.
#[test]
fn nothing_is_lost_with_the_power() {
    let _alone = crate::alone();
    let mut count = 0;
    for cut in 1.. {
        let mut script = Vec::new();
        loop {
            let outcome = try_one(cut, &script, false);
            if !outcome.cut {
                println!("{count} states of the disk after {} operations", cut - 1);
                return;
            }
            count += 1;
            if let Some(fault) = outcome.fault {
                let trace = try_one(cut, &script, true).trace;
                panic!("{}\ncut {cut}, fate {script:?}: {fault}", trace.join("\n"));
            }
            let Some(next) = outcome.fate.next() else { break };
            script = next;
        }
    }
}
