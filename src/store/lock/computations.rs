//! The computations of one process, and which part of the lock file each of them has locked.
//!
//! The kernel keeps the locks of a file in one list, which each step goes through: a recursion over
//! 20,000 keys would spend seconds there. So a deep recursion locks blocks of keys once it has many:
//! those that it comes to later are mostly locked already. A process that asks for another key of
//! such a block waits as for that key. Of very many other computations at once only some are locked:
//! their blocks would keep another process from computing other keys of the same long list.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;

use crate::store::fs::{LockPart, Taken};

/// How many keys have locks of their own before a recursion locks blocks.
const MANY: usize = 512;

/// How many keys have locks of their own: with ten times as many a lock takes as long as a save.
const MOST: usize = 2048;

/// How many keys one block has, as a power of two.
const BLOCK_BITS: u32 = 20;

/// What a computation has locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// Nothing.
    Nothing,
    /// The key with this number.
    Key(u32),
    /// All keys of this block.
    Block(u32),
}

/// The computations of one process.
#[derive(Debug, Default)]
pub struct Computations {
    /// How many have nothing locked.
    unlocked: usize,
    /// The numbers of the locked keys, each as often as it was taken: to the system, all threads of
    /// a process are one.
    keys: Vec<u32>,
    /// The locked blocks, and how many computations each of them is for.
    blocks: BTreeMap<u32, usize>,
}

impl Computations {
    /// Returns whether there are none.
    pub fn are_none(&self) -> bool {
        self.unlocked == 0 && self.keys.is_empty() && self.blocks.is_empty()
    }

    /// Returns whether so many keys have locks of their own that a recursion locks blocks.
    pub fn have_many_locks(&self) -> bool {
        self.keys.len() >= MANY
    }

    /// Adds one that locks nothing.
    pub fn add(&mut self) -> Hold {
        self.unlocked += 1;
        Hold::Nothing
    }

    /// Locks the key with this `number` by `lock`, or its block if there are many and this is a part
    /// of a deep recursion. Returns what is locked now, if it is.
    pub fn lock(
        &mut self,
        number: u32,
        is_deep: bool,
        lock: impl Fn(LockPart) -> io::Result<Taken>,
    ) -> io::Result<(Taken, Option<Hold>)> {
        let block = number >> BLOCK_BITS;
        if let Some(count) = self.blocks.get_mut(&block) {
            *count += 1;
            return Ok((Taken::Yes, Some(Hold::Block(block))));
        }
        // If another process has one of its keys, the block cannot be had.
        if is_deep && self.have_many_locks() && lock(part_of(&keys_of(block)))? == Taken::Yes {
            self.blocks.insert(block, 1);
            return Ok((Taken::Yes, Some(Hold::Block(block))));
        }
        if self.keys.len() >= MOST {
            return Ok((Taken::Yes, Some(self.add())));
        }
        let taken = lock(LockPart::Key(number))?;
        if taken != Taken::Yes {
            return Ok((taken, None));
        }
        self.keys.push(number);
        Ok((taken, Some(Hold::Key(number))))
    }

    /// Ends one; `unlock` releases what no other one has locked.
    pub fn end(&mut self, hold: Hold, unlock: impl Fn(LockPart)) {
        match hold {
            Hold::Nothing => self.unlocked = self.unlocked.saturating_sub(1),
            Hold::Key(number) => {
                if let Some(at) = self.keys.iter().rposition(|&taken| taken == number) {
                    self.keys.swap_remove(at);
                }
                let is_locked = self.blocks.contains_key(&(number >> BLOCK_BITS));
                if !is_locked && !self.keys.contains(&number) {
                    unlock(LockPart::Key(number));
                }
            }
            Hold::Block(block) => {
                let Some(count) = self.blocks.get_mut(&block) else { return };
                *count -= 1;
                if *count == 0 {
                    self.blocks.remove(&block);
                    self.gaps(block).for_each(|gap| unlock(part_of(&gap)));
                }
            }
        }
    }

    /// Returns the numbers of a block without those of keys that are locked by themselves.
    fn gaps(&self, block: u32) -> impl Iterator<Item = Range<u32>> {
        let all = keys_of(block);
        let mut inside: Vec<u32> =
            self.keys.iter().copied().filter(|number| all.contains(number)).collect();
        inside.sort_unstable();
        let starts = [all.start].into_iter().chain(inside.clone().into_iter().map(|it| it + 1));
        let ends = inside.into_iter().chain([all.end]);
        starts.zip(ends).map(|(start, end)| start..end).filter(|gap| !gap.is_empty())
    }
}

fn keys_of(block: u32) -> Range<u32> {
    let start = block << BLOCK_BITS;
    start..start + (1 << BLOCK_BITS)
}

fn part_of(keys: &Range<u32>) -> LockPart {
    LockPart::Keys { first: keys.start, end: keys.end }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::collections::BTreeSet;

    use super::*;

    /// What the system has locked, as the ends and beginnings of ranges would show it; blocks are
    /// made of their first and last keys and those in use.
    #[derive(Default)]
    struct System(RefCell<BTreeSet<(u32, u32)>>, RefCell<usize>);

    impl System {
        fn lock(&self, part: LockPart) {
            *self.1.borrow_mut() += 1;
            self.0.borrow_mut().insert(ends(part));
        }

        fn unlock(&self, part: LockPart) {
            let (first, end) = ends(part);
            let mut all = self.0.borrow_mut();
            let over: Vec<_> =
                all.iter().copied().filter(|it| it.0 < end && first < it.1).collect();
            for (low, high) in over {
                all.remove(&(low, high));
                all.extend([(low, first), (end, high)].into_iter().filter(|it| it.0 < it.1));
            }
        }

        fn has(&self, number: u32) -> bool {
            self.0.borrow().iter().any(|it| (it.0..it.1).contains(&number))
        }
    }

    fn ends(part: LockPart) -> (u32, u32) {
        match part {
            LockPart::Key(number) => (number, number + 1),
            LockPart::Keys { first, end } => (first, end),
            _ => unreachable!("only keys are locked"),
        }
    }

    fn number(n: u32) -> u32 {
        n.wrapping_mul(2_654_435_761) >> 2
    }

    fn take(computations: &mut Computations, system: &System, number: u32, deep: bool) -> Hold {
        let lock = |part| {
            system.lock(part);
            Ok(Taken::Yes)
        };
        let taken = computations.lock(number, deep, lock);
        let (_, hold) = taken.expect("nothing fails");
        hold.expect("nobody else is there")
    }

    /// A deep recursion locks few parts more than there are blocks; each key is locked until its
    /// computation ends, and nothing is locked after the last one, in whichever order they end.
    #[test]
    fn deep_recursions_lock_blocks() {
        for backwards in [true, false] {
            let (mut computations, system) = (Computations::default(), System::default());
            let mut holds: Vec<(u32, Hold)> = (0..5_000)
                .map(|n| (number(n), take(&mut computations, &system, number(n), true)))
                .collect();
            assert!(*system.1.borrow() < MANY + (1 << (30 - BLOCK_BITS)) + 1);
            assert!(holds.iter().all(|it| system.has(it.0)));
            if backwards {
                holds.reverse();
            }
            while let Some((_, hold)) = holds.pop() {
                computations.end(hold, |part| system.unlock(part));
                let looks = holds.len().is_multiple_of(100);
                assert!(!looks || holds.iter().all(|it| system.has(it.0)));
            }
            assert!(computations.are_none() && system.0.borrow().is_empty());
        }
    }

    /// Other computations lock their own keys, however many they are, and share a block that is
    /// locked already.
    #[test]
    fn who_is_not_deep_locks_keys() {
        let (mut computations, system) = (Computations::default(), System::default());
        let holds: Vec<Hold> =
            (0..2_000).map(|n| take(&mut computations, &system, number(n), false)).collect();
        assert!(holds.iter().all(|hold| matches!(hold, Hold::Key(_))));
        let deep = take(&mut computations, &system, 7, true);
        assert_eq!(deep, Hold::Block(0));
        assert_eq!(take(&mut computations, &system, 8, false), Hold::Block(0));
        computations.end(deep, |part| system.unlock(part));
        assert!(system.has(7) && system.has(8));
        computations.end(deep, |part| system.unlock(part));
        let inside = |it: &&u32| **it >> BLOCK_BITS == 0;
        let keys: Vec<u32> = (0..2_000).map(number).collect();
        assert!(keys.iter().filter(inside).all(|&it| system.has(it)) && !system.has(7));
    }
}
