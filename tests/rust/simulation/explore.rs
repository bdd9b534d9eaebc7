//! All schedules of a small history that have few delays.
//!
//! The deterministic schedule runs each thread until it waits or ends, then the next one in turn. A
//! *delay* lets another thread run at one decision; all schedules with up to a given number of
//! delays are played (delay-bounded scheduling: Emmi, Qadeer, Rakamarić, POPL 2011). This steps the
//! real code with its real locks; loom and shuttle do so only for code written against their types,
//! and stateright only for a model of it.

use super::chooser::{Chooser, Script};
use super::history::{End, History, Life, Op};
use super::play::{Setting, play};

/// Returns how many delays a schedule may have.
fn delays() -> usize {
    std::env::var("SIM_DELAYS").map_or(1, |text| text.parse().expect("it is a number"))
}

/// Plays `history` with every schedule that adds up to `left` delays to `turns`; returns how many.
fn explore(history: &History, turns: &[(usize, usize)], left: usize) -> usize {
    let script = Script { turns: turns.to_vec(), widths: Vec::new() };
    let outcome = play(history, Setting::scripted(script), false);
    if let Some(fault) = outcome.fault {
        let script = Script { turns: turns.to_vec(), widths: Vec::new() };
        let trace = play(history, Setting::scripted(script), true).trace;
        panic!("{}\nwith the turns {turns:?}: {fault}", trace.join("\n"));
    }
    let Chooser::Script(Script { widths, .. }) = outcome.chooser else { unreachable!() };
    let first = turns.last().map_or(0, |turn| turn.0 + 1);
    let mut count = 1;
    for decision in (first..widths.len()).filter(|_| left > 0) {
        for choice in 1..widths[decision] {
            let more = [turns, &[(decision, choice)]].concat();
            count += explore(history, &more, left - 1);
        }
    }
    count
}

/// Returns a history of these processes, each with these threads.
fn processes(all: &[&[&[Op]]]) -> History {
    let life = |threads: &&[&[Op]]| Life {
        threads: threads.iter().map(|ops| ops.to_vec()).collect(),
        end: End::Close,
    };
    let slots = all.iter().map(|threads| vec![life(threads)]).collect();
    let (events, mounted, keyless) = (Vec::new(), false, false);
    History { slots, events, stay: 1, schedule: 0, synced: false, mounted, keyless }
}

/// In whatever order the threads of one or two processes put, save and close, nothing is lost, and
/// no process finds what another one purged.
#[test]
fn a_checkpoint_in_every_order() {
    use Op::{Call, Clear, Close, Forget, Give, Hit, Refresh, Save, Stream};
    let _alone = crate::alone();
    let histories = [
        processes(&[&[&[Refresh(0), Save], &[Refresh(1), Close]]]),
        processes(&[&[&[Refresh(0), Save], &[Close, Refresh(1)]], &[&[Refresh(2), Save]]]),
        processes(&[&[&[Refresh(0), Save]], &[&[Call(0), Forget(0), Save]]]),
        processes(&[&[&[Call(0), Hit(0)]], &[&[Forget(0), Hit(0)]]]),
        processes(&[&[&[Stream(0)]], &[&[Call(1), Close, Call(2), Close]]]),
        processes(&[&[&[Stream(0)], &[Close]], &[&[Give(1), Save]]]),
        processes(&[&[&[Call(0), Hit(0)]], &[&[Give(0), Clear]]]),
    ];
    for history in histories {
        let schedules = explore(&history, &[], delays());
        println!("{schedules} schedules of {history:?}");
    }
}
