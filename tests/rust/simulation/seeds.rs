//! The histories of many seeds.

use std::sync::Mutex;
use std::thread;

use super::history::{History, Troubles};
use super::play::{Setting, play};
use super::shrink::shrink;

/// The number of seeds that a run tries by default.
const SEEDS: u64 = 500;

/// Seeds that have failed once, each for a reason of its own, are tried in every run.
const FAILED_ONCE: &[u64] = &[
    15295, 16169, 19362, 24871, 140_214, 154_066, 202_122, 306_154, 315_069, 315_593, 337_052,
    346_063, 351_572, 354_667, 355_840, 355_871, 357_708, 359_298, 408_388, 422_089, 445_837,
    514_371, 537_993, 561_924, 580_600, 691_600, 714_921, 997_494, 1_006_034, 2_002_210,
];

/// A seed that fails, and how.
type Fault = (u64, String);

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("it is a number"))
}

/// Returns the kinds of trouble that `SIM_TROUBLES` names, or all of them.
fn troubles() -> Troubles {
    std::env::var("SIM_TROUBLES").map_or(Troubles::ALL, |names| Troubles::named(&names))
}

/// Whatever processes and threads do, and whatever happens to them, each returned result that
/// nobody deleted or replaced is found, nothing deleted comes back, and no value is wrong.
#[test]
fn nothing_is_lost() {
    let _alone = crate::alone();
    if let Some(seed) = number("SIM_SEED") {
        return replay(seed);
    }
    let (from, count) = (number("SIM_FROM").unwrap_or(0), number("SIM_SEEDS").unwrap_or(SEEDS));
    let found = try_all((from..from + count).chain(FAILED_ONCE.iter().copied()));
    let Some((seed, _)) = found.first() else { return };
    println!("{} of {} seeds fail:", found.len(), count + FAILED_ONCE.len() as u64);
    for (seed, fault) in found.iter().take(400) {
        println!("  {seed}: {}", fault.lines().next().unwrap_or_default());
    }
    assert!(number("SIM_LIST").is_none(), "these are all that fail");
    replay(*seed);
    panic!("seed {seed} fails, and passes when it is played again");
}

fn history(seed: u64) -> History {
    let troubles = troubles();
    let is_old = FAILED_ONCE.contains(&seed);
    History::new(seed, if is_old { troubles.of_old() } else { troubles })
}

fn try_one(seed: u64) -> Option<String> {
    play(&history(seed), Setting::default(), false).fault
}

/// Returns the seeds that fail.
fn try_all(seeds: impl Iterator<Item = u64> + Send) -> Vec<Fault> {
    let (seeds, found) = (Mutex::new(seeds), Mutex::new(Vec::new()));
    let next = || seeds.lock().expect("nobody panics in here").next();
    let work = || {
        while let Some(seed) = next() {
            let fault = try_one(seed).map(|fault| (seed, fault));
            found.lock().expect("nobody panics in here").extend(fault);
        }
    };
    thread::scope(|scope| {
        (0..number("SIM_WORKERS").unwrap_or(1)).for_each(|_| drop(scope.spawn(work)));
    });
    let mut found = found.into_inner().expect("nobody panics in here");
    found.sort();
    found
}

/// Plays a seed, and prints step by step a shorter history that fails as it does. With `SIM_WHOLE`,
/// prints the history itself: a shorter one takes long to find and may fail for another reason.
fn replay(seed: u64) {
    let history = history(seed);
    let Some(fault) = play(&history, Setting::default(), false).fault else {
        println!("SIM_SEED={seed} passes");
        return;
    };
    println!("SIM_SEED={seed}: {fault}");
    let is_whole = std::env::var_os("SIM_WHOLE").is_some();
    let told = if is_whole { history } else { shrink(history, &fault) };
    let shortest = play(&told, Setting::default(), true);
    println!("{told:?}\n{}", shortest.trace.join("\n"));
    panic!("SIM_SEED={seed}: {}", shortest.fault.unwrap_or(fault));
}
