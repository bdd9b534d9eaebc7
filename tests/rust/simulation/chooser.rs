//! Who goes on: at random, or as a script says.

use std::time::Duration;

use super::random::Random;

/// Chooses which thread goes on.
#[derive(Clone, Debug)]
pub enum Chooser {
    /// Another thread goes on once in so many steps.
    Random(Random, usize),
    /// See [`Script`].
    Script(Script),
}

/// A schedule: the thread that runs goes on, but at the moments that the script names.
#[derive(Clone, Debug, Default)]
pub struct Script {
    /// At which decision another than the first choice is taken, and which; in order.
    pub turns: Vec<(usize, usize)>,
    /// How many choices there were at each decision, the first among them.
    pub widths: Vec<usize>,
}

/// How long most steps take.
const STEP: Duration = Duration::from_nanos(1_700);
/// How long some take: more than a look at a journal is good for.
const LONG_STEP: Duration = Duration::from_micros(1_100);

impl Chooser {
    /// How long the next step takes.
    pub fn tick(&mut self) -> Duration {
        let Self::Random(random, _) = self else { return STEP };
        if random.once_in(40) { LONG_STEP } else { STEP }
    }

    /// Whether others may go on before a lock of memory, too.
    pub fn stops_at_lock(&mut self) -> bool {
        match self {
            Self::Random(random, _) => random.once_in(5),
            Self::Script(_) => true,
        }
    }

    /// One of `ready`. `me` runs now; `must`: it waits for the others.
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
    /// The first choice is who runs already, then the others in turn.
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
