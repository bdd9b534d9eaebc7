//! What is known of entries without looking into their values: lists, sums, histograms.

use std::collections::HashMap;

use bytes::Bytes;

use super::copies::name_in;
use super::entry::Entry;
use super::facts::{Extremes, Fact, Histograms, Measures, Order, Selection, SortKey, Sum};
use super::limiter::{function_of, is_function};
use super::listing::Listing;
use super::ranking::{First, Listed};
use crate::store::{Outline, Paged};
use crate::sync;
use crate::value::check::check;

/// How many entries a store is asked for at once.
const TOGETHER: usize = 200;

/// The sums of functions by their names.
type Sums = HashMap<Vec<u8>, Sum>;

impl<L: Clone> Listing<L> {
    /// Returns the first `limit` entries of a selection in an order, and the sum of all of it.
    pub fn facts(&self, selection: &Selection, order: Order, limit: usize) -> (Vec<Fact>, Sum) {
        let begin = || (First::new(order, limit), Sum::default());
        let keys = matches!(order, Some((SortKey::Key, _)));
        let (first, sum) = self.survey(selection, keys, begin, |(first, sum), seen| {
            let measures = seen.measures();
            sum.add(&measures);
            first.push(&measures, seen.number(), || seen.listed());
        });
        (first.facts(self.0.store.paged()), sum)
    }

    /// Returns the keys of all values that are not JSON, and what is wrong with each. Unlike
    /// `damaged`, it checks all of them, each time.
    pub fn bad(&self) -> Vec<(Bytes, String)> {
        let mut bad = Vec::new();
        self.each(&Selection::default(), |key, entry| {
            let checked = entry.text.as_ref().map_or(Ok(()), |text| check(text).map(drop));
            if let Err(error) = checked {
                bad.push((key.clone(), error.to_string()));
            }
        });
        bad
    }

    /// What is known of the entry of `key`.
    pub fn fact(&self, key: &[u8]) -> Option<Fact> {
        let _active = sync::active();
        let found = self.0.peek(key)?;
        Some(Fact::new(&Bytes::copy_from_slice(key), &found.entry))
    }

    /// Returns the sums of each function in a selection; entries whose keys name no function are
    /// summed up under an empty name.
    pub fn sums(&self, selection: &Selection) -> Sums {
        self.survey(selection, false, Sums::new, |sums, seen| add_to(sums, seen))
    }

    /// Returns the sums of each function, as [`sums`](Self::sums) does, and the extremes.
    pub fn overview(&self) -> (Sums, Extremes) {
        let begin = || {
            let first = |by, descending| First::new(Some((by, descending)), 1);
            let (oldest, newest) = (first(SortKey::Created, false), first(SortKey::Created, true));
            (Sums::new(), [oldest, newest, first(SortKey::Size, true), first(SortKey::Took, true)])
        };
        let selection = Selection::default();
        let (sums, firsts) = self.survey(&selection, false, begin, |(sums, firsts), seen| {
            add_to(sums, seen);
            let measures = seen.measures();
            let (made, timed) = (measures.created.is_some(), measures.took.is_some());
            for (first, _) in firsts.iter_mut().zip([made, made, true, timed]).filter(|it| it.1) {
                first.push(&measures, seen.number(), || seen.listed());
            }
        });
        let [oldest, newest, largest, slowest] =
            firsts.map(|first| first.facts(self.0.store.paged()).pop());
        (sums, Extremes { oldest, newest, largest, slowest })
    }

    /// The sum of all entries whose key begins with `start`, the name of a function and a
    /// parenthesis.
    pub fn sum_of(&self, start: &[u8]) -> Sum {
        let Some(paged) = self.0.store.paged() else {
            let _active = sync::active();
            let mut sum = Sum::default();
            let mut state = self.0.loaded();
            for (key, entry) in state.table_mut().entries_of(start) {
                sum.add(&Measures::of_entry(&key, &entry));
            }
            return sum;
        };
        if let Some(name) = name_in(start) {
            let selection = Selection { function: Some(name.to_vec()), ..Selection::default() };
            return self.survey(&selection, false, Sum::default, |sum, seen| {
                sum.add(&seen.measures());
            });
        }
        let _active = sync::active();
        let mut sum = Sum::default();
        for key in self.keys_that_begin(paged, start) {
            if let Some(found) = self.0.peek(&key) {
                sum.add(&Measures::of_entry(&key, &found.entry));
            }
        }
        sum
    }

    /// Counts the entries of a selection between the limits of `empty`.
    pub fn count_between(&self, selection: &Selection, empty: &Histograms) -> Histograms {
        let begin = || empty.clone();
        self.survey(selection, false, begin, |counted, seen| counted.add(&seen.measures()))
    }

    /// Adds up a selection: by outlines, where the store has them and memory holds nothing else.
    fn survey<A>(
        &self,
        selection: &Selection,
        keys: bool,
        begin: impl Fn() -> A,
        add: impl Fn(&mut A, &Seen<'_, L>),
    ) -> A {
        let outlining = self.0.store.paged().filter(|_| self.0.is_mirror());
        if let Some(found) =
            outlining.and_then(|paged| outlined(paged, selection, keys, &begin, &add))
        {
            return found;
        }
        let mut found = begin();
        self.each(selection, |key, entry| add(&mut found, &Seen::Entry(key, entry)));
        found
    }

    fn each(&self, selection: &Selection, mut run: impl FnMut(&Bytes, &Entry<L>)) {
        let _active = sync::active();
        if let Some(paged) = self.0.store.paged() {
            let mut keys = self.0.keys_named(paged, selection.function.as_deref());
            keys.retain(|key| selection.names(key));
            self.1.begin(keys.len());
            for part in keys.chunks(TOGETHER) {
                for (key, found) in part.iter().zip(self.0.peek_many(part)) {
                    if let Some(found) = found.filter(|it| selection.is_of(it.entry.created)) {
                        run(key, &found.entry);
                    }
                }
                self.1.advance(part.len());
            }
            return;
        }
        let state = self.0.loaded();
        for (key, entry) in state.table().iter() {
            if selection.is_of(entry.created) && selection.names(&key) {
                run(&key, &entry);
            }
        }
    }
}

/// An entry that is looked at.
enum Seen<'s, L> {
    Entry(&'s Bytes, &'s Entry<L>),
    Outline(&'s Outline<'s>),
}

impl<L> Seen<'_, L> {
    fn measures(&self) -> Measures<'_> {
        match self {
            Self::Entry(key, entry) => Measures::of_entry(key, entry),
            Self::Outline(outline) => Measures::of_outline(outline),
        }
    }

    /// The name of the function; empty if the key tells of none.
    fn name(&self) -> &[u8] {
        match self {
            Self::Entry(key, _) => function_of(key).unwrap_or_default(),
            Self::Outline(outline) if is_function(outline.name) => outline.name,
            Self::Outline(_) => &[],
        }
    }

    /// Its place among all, if a store outlined it.
    fn number(&self) -> Option<i64> {
        match self {
            Self::Entry(..) => None,
            Self::Outline(outline) => Some(outline.number),
        }
    }

    fn listed(&self) -> Listed {
        match self {
            Self::Entry(key, entry) => Listed::Whole(Fact::new(key, entry)),
            Self::Outline(outline) => Listed::outlined(outline),
        }
    }
}

/// What the outlines of `paged` add up to, if it has them now.
fn outlined<A, L>(
    paged: &dyn Paged,
    selection: &Selection,
    keys: bool,
    begin: impl Fn() -> A,
    add: impl Fn(&mut A, &Seen<'_, L>),
) -> Option<A> {
    let _active = sync::active();
    let keys = keys || selection.pattern.is_some();
    let mut found = begin();
    let name = selection.function.as_deref();
    let is_whole = paged.outlines(name, keys, &mut |outline| {
        let is_named = selection.pattern.is_none() || selection.names(outline.key);
        if is_named && selection.is_of(outline.created) {
            add(&mut found, &Seen::Outline(outline));
        }
    });
    is_whole.then_some(found)
}

fn add_to<L>(sums: &mut Sums, seen: &Seen<'_, L>) {
    let (name, measures) = (seen.name(), seen.measures());
    match sums.get_mut(name) {
        Some(sum) => sum.add(&measures),
        None => sums.entry(name.to_vec()).or_default().add(&measures),
    }
}
