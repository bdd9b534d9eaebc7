//! Finds a shorter history that fails, too.

use super::history::History;
use super::play::{Outcome, Setting, play};
use super::random::Random;

/// The number of schedules with which a shorter history is tried.
const SCHEDULES: u64 = 60;

/// Removes from `history`, which fails with `fault`, whatever it fails without in the same way,
/// with whatever schedule.
pub fn shrink(mut history: History, fault: &str) -> History {
    let way = way(fault);
    loop {
        let shorter = shorter(&history).into_iter().find_map(|shorter| fails(&shorter, way));
        match shorter {
            Some(shorter) => history = shorter,
            None => return history,
        }
    }
}

/// Returns in which way something is wrong: the word before the colon.
fn way(fault: &str) -> &str {
    fault.split(':').next().unwrap_or_default()
}

fn fails(history: &History, how: &str) -> Option<History> {
    let random = Random::new(history.schedule);
    let schedules = (0..SCHEDULES).map(|number| match number {
        0 => history.schedule,
        _ => random.branch(number).next(),
    });
    schedules.map(|schedule| History { schedule, ..history.clone() }).find(|history| {
        let Outcome { fault, .. } = play(history, Setting::default(), false);
        fault.is_some_and(|fault| way(&fault) == how)
    })
}

/// Returns all histories that lack one thing.
fn shorter(history: &History) -> Vec<History> {
    let mut all = Vec::new();
    let mut without = |cut: &dyn Fn(&mut History)| {
        let mut shorter = history.clone();
        cut(&mut shorter);
        all.push(shorter);
    };
    for slot in (0..history.slots.len()).rev() {
        if history.slots.len() > 1 && slot + 1 == history.slots.len() {
            without(&|history| history.slots.truncate(slot));
        }
        for life in 0..history.slots[slot].len() {
            without(&|history| drop(history.slots[slot].remove(life)));
            let threads = &history.slots[slot][life].threads;
            for thread in 0..threads.len() {
                if threads.len() > 1 {
                    without(&|history| drop(history.slots[slot][life].threads.remove(thread)));
                }
                for op in 0..threads[thread].len() {
                    without(&|history| {
                        history.slots[slot][life].threads[thread].remove(op);
                    });
                }
            }
        }
    }
    for event in 0..history.events.len() {
        without(&|history| {
            history.events.remove(event);
        });
    }
    for history in &mut all {
        let slots = history.slots.len();
        history.events.retain(|(_, event)| event.slot().is_none_or(|slot| slot < slots));
    }
    all
}
