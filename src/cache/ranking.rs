//! The first of many entries, in some order.

use std::cmp::Ordering;

use bytes::Bytes;

use super::facts::{Fact, Measures, Order};
use crate::store::{Outline, Paged};

/// An entry of a list.
#[derive(Debug)]
pub enum Listed {
    /// With its text.
    Whole(Fact),
    /// What a store said of it.
    Outlined(Outlined),
}

/// What is remembered of an outline.
#[derive(Debug)]
pub struct Outlined {
    number: i64,
    key: Bytes,
    size: u64,
    created: Option<f64>,
    took: Option<f64>,
}

impl Listed {
    /// What `outline` says.
    pub fn outlined(outline: &Outline<'_>) -> Self {
        let &Outline { number, size, created, took, .. } = outline;
        let key = Bytes::copy_from_slice(outline.key);
        Self::Outlined(Outlined { number, key, size, created, took })
    }

    fn measures(&self) -> Measures<'_> {
        match self {
            Self::Whole(fact) => fact.measures(),
            Self::Outlined(Outlined { key, size, created, took, .. }) => {
                Measures { key, size: *size, created: *created, took: *took }
            }
        }
    }

    /// Its place among all. Whole ones come in order.
    fn number(&self) -> i64 {
        match self {
            Self::Whole(_) => 0,
            Self::Outlined(outlined) => outlined.number,
        }
    }
}

/// The first of what is pushed.
#[derive(Debug)]
pub struct First {
    found: Vec<Listed>,
    order: Order,
    limit: usize,
    /// Whether the first ones are sorted, and the rest came since.
    is_sorted: bool,
}

impl First {
    /// The first `limit` in an order.
    pub fn new(order: Order, limit: usize) -> Self {
        Self { found: Vec::new(), order, limit, is_sorted: false }
    }

    /// Adds one that has these measures, and a `number` if a store outlined it, unless enough stand
    /// before it: only then is it made.
    pub fn push(
        &mut self,
        measures: &Measures<'_>,
        number: Option<i64>,
        make: impl FnOnce() -> Listed,
    ) {
        let last = self.limit.checked_sub(1).map(|last| self.found.get(last));
        let Some(last) = last else { return };
        let is_known = self.is_sorted || self.order.is_none() && number.is_none();
        let new = (measures, number.unwrap_or(0));
        let stands_before = |last| self.compare(last, new) != Ordering::Greater;
        if last.is_some_and(|last| is_known && stands_before(last)) {
            return;
        }
        self.found.push(make());
        if self.found.len() >= self.limit.saturating_mul(2) {
            self.cut();
        }
    }

    /// What is equal stays as it came.
    fn compare(&self, one: &Listed, (measures, number): (&Measures<'_>, i64)) -> Ordering {
        let ranked = self.order.map_or(Ordering::Equal, |(by, descending)| {
            let order = one.measures().compare(measures, by);
            if descending { order.reverse() } else { order }
        });
        ranked.then_with(|| one.number().cmp(&number))
    }

    fn cut(&mut self) {
        let mut found = std::mem::take(&mut self.found);
        found.sort_by(|one, other| self.compare(one, (&other.measures(), other.number())));
        found.truncate(self.limit);
        (self.found, self.is_sorted) = (found, true);
    }

    /// All of them, with what `paged` has of those that it outlined.
    pub fn facts(mut self, paged: Option<&dyn Paged>) -> Vec<Fact> {
        self.cut();
        let mut numbers = Vec::new();
        let mut facts = Vec::with_capacity(self.found.len());
        for listed in self.found {
            match listed {
                Listed::Whole(fact) => facts.push(fact),
                Listed::Outlined(outlined) => numbers.push(outlined.number),
            }
        }
        if let Some(paged) = paged.filter(|_| !numbers.is_empty()) {
            facts.extend(paged.numbered(&numbers).into_iter().map(Fact::of_item));
        }
        facts
    }
}
