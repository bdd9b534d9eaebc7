//! Which thread runs next: at random, or by a script.

use std::time::Duration;

use super::random::Random;

/// Chooses which thread runs next.
#[derive(Clone, Debug)]
pub enum Chooser {
    /// At random: another thread runs once in this many steps.
    Random(Random, usize),
    /// As a [`Script`] says.
    Script(Script),
}

/// A schedule: the running thread goes on, except at the decisions that the script names.
#[derive(Clone, Debug, Default)]
pub struct Script {
    /// The decisions that do not take the first choice, in order, each with its choice.
    pub turns: Vec<(usize, usize)>,
    /// The number of choices at each decision, the first one included.
    pub widths: Vec<usize>,
}

/// The time that most steps take.
const STEP: Duration = Duration::from_nanos(1_700);
/// The time that some steps take: more than a look at a journal stays good for.
const LONG_STEP: Duration = Duration::from_micros(1_100);

impl Chooser {
    /// Returns the time that the next step takes.
    pub fn tick(&mut self) -> Duration {
        let Self::Random(random, _) = self else { return STEP };
        if random.once_in(40) { LONG_STEP } else { STEP }
    }

    /// Returns whether other threads may also run before a lock in memory is taken.
    pub fn stops_at_lock(&mut self) -> bool {
        match self {
            Self::Random(random, _) => random.once_in(5),
            Self::Script(_) => true,
        }
    }

    /// Returns one of `ready`. `me` runs now; with `must` it waits for the others.
    pub fn choose(&mut self, ready: &[usize], me: usize, must: bool) -> usize {
        match self {
            Self::Random(random, stay) => {
                if !must && ready.contains(&me) && !random.once_in(*stay) {
                    return me;
                }
                random.pick(ready)
            }
            Self::Script(script) => script.choose(ready, me, must),
        }
    }
}

impl Script {
    /// Returns the scripted choice: the first is the running thread, then come the others in turn.
    fn choose(&mut self, ready: &[usize], me: usize, must: bool) -> usize {
        let stays = !must && ready.contains(&me);
        let others = || ready.iter().copied().filter(|&task| task != me);
        let behind = others().filter(|&task| task > me).chain(others().filter(|&task| task < me));
        let own = ready.contains(&me).then_some(me);
        let order: Vec<usize> = if stays {
            own.into_iter().chain(behind).collect()
        } else {
            behind.chain(own).collect()
        };
        let decision = self.widths.len();
        self.widths.push(order.len());
        let turn = self.turns.iter().find(|turn| turn.0 == decision);
        order[turn.map_or(0, |turn| turn.1.min(order.len() - 1))]
    }
}
