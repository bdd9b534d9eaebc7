//! What was brought, for those who asked for it.

use std::collections::HashMap;

use bytes::Bytes;

use crate::store::known::Known;
use crate::store::{Change, Item};

/// Keys that somebody asks for at the moment, and what is known of each.
#[derive(Debug, Default)]
pub struct Asked {
    keys: HashMap<Bytes, Answer>,
    /// All entries, while somebody lists them.
    list: Option<List>,
    /// Numbers of entries, of a function or of all, while somebody asks for them.
    counts: Vec<(Option<Vec<u8>>, usize)>,
}

/// All entries, in the order of their times.
#[derive(Debug)]
struct List {
    readers: usize,
    keys: Vec<Bytes>,
    /// The entry of each of `keys`; `None` if it was forgotten meanwhile.
    items: HashMap<Bytes, Option<Item>>,
}

#[derive(Debug, Default)]
struct Answer {
    askers: usize,
    /// `None` if nobody has brought it yet.
    known: Option<Known>,
}

impl Asked {
    /// Notes that somebody asks for `key`, of which this is `known`; returns whether anything is.
    pub fn ask(&mut self, key: &Bytes, known: Option<Known>) -> bool {
        let answer = self.keys.entry(key.clone()).or_default();
        answer.askers += 1;
        answer.known = known.or(answer.known.take());
        answer.known.is_some()
    }

    /// Notes what a place far away has under `key`, unless this process has changed that meanwhile.
    pub fn bring(&mut self, key: &[u8], found: Known) {
        if let Some(answer) = self.keys.get_mut(key) {
            answer.known.get_or_insert(found);
        }
    }

    /// Notes that one of those who asked for `key` no longer does.
    pub fn release(&mut self, key: &[u8]) {
        let Some(answer) = self.keys.get_mut(key) else { return };
        answer.askers -= 1;
        if answer.askers == 0 {
            self.keys.remove(key);
        }
    }

    /// Takes all entries in, for as long as somebody lists them.
    pub fn bring_all(&mut self, mut items: Vec<Item>) {
        let time = |item: &Item| item.created.unwrap_or(f64::NEG_INFINITY);
        items.sort_by(|a, b| time(a).total_cmp(&time(b)).then_with(|| a.key.cmp(&b.key)));
        let keys = items.iter().map(|item| item.key.clone()).collect();
        let items = items.into_iter().map(|item| (item.key.clone(), Some(item))).collect();
        let readers = self.list.as_ref().map_or(0, |list| list.readers) + 1;
        self.list = Some(List { readers, keys, items });
    }

    /// Notes that one of those who listed them no longer does.
    pub fn release_all(&mut self) {
        if let Some(list) = &mut self.list {
            list.readers -= 1;
        }
        self.list = self.list.take().filter(|list| list.readers > 0);
    }

    /// Notes how many entries there are of the function with this name, or in all.
    pub fn bring_count(&mut self, name: Option<&[u8]>, count: usize) {
        self.counts.push((name.map(<[u8]>::to_vec), count));
    }

    /// Notes that one of those who asked for that number no longer does.
    pub fn release_count(&mut self, name: Option<&[u8]>) {
        if let Some(at) = self.counts.iter().position(|(it, _)| it.as_deref() == name) {
            self.counts.swap_remove(at);
        }
    }

    /// Returns that number, if it was brought.
    pub fn count(&self, name: Option<&[u8]>) -> Option<usize> {
        self.counts.iter().rev().find(|(it, _)| it.as_deref() == name).map(|(_, count)| *count)
    }

    /// Notes a change that this process makes.
    pub fn note(&mut self, change: &Change) {
        let (key, known) = match change {
            Change::Put(item) => (&item.key, Known::Item(item.clone())),
            Change::Remove(key) => (key, Known::Nothing),
            Change::Clear => {
                self.keys.values_mut().for_each(|answer| answer.known = Some(Known::Nothing));
                if let Some(list) = &mut self.list {
                    list.items.values_mut().for_each(|item| *item = None);
                }
                return;
            }
        };
        if let Some(answer) = self.keys.get_mut(key) {
            answer.known = Some(known.clone());
        }
        if let Some(list) = &mut self.list
            && list.items.insert(key.clone(), known.item()).is_none()
        {
            list.keys.push(key.clone());
        }
    }

    /// Returns the entry of `key`, if it was brought.
    pub fn get(&self, key: &[u8]) -> Option<Item> {
        match self.keys.get(key) {
            Some(Answer { known: Some(known), .. }) => known.clone().item(),
            _ => self.list.as_ref()?.items.get(key)?.clone(),
        }
    }

    /// Returns all entries, if they were brought.
    pub fn all(&self) -> impl Iterator<Item = &Item> {
        let keys = self.list.iter().flat_map(|list| list.keys.iter().map(move |key| (list, key)));
        keys.filter_map(|(list, key)| list.items.get(key)?.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::{Asked, Change, Item, Known};
    use crate::store::Notes;
    use bytes::Bytes;

    fn item(key: &'static str, created: f64) -> Item {
        Item {
            key: Bytes::from(key),
            text: Bytes::from("1"),
            sound: true,
            created: Some(created),
            timed: false,
            notes: Notes::default(),
        }
    }

    /// What this process did after it asked counts, whatever is brought then.
    #[test]
    fn what_is_brought_too_late() {
        let mut asked = Asked::default();
        let key = Bytes::from("a");
        assert!(!asked.ask(&key, None));
        asked.note(&Change::Put(item("a", 2.0)));
        asked.bring(&key, Known::Item(item("a", 1.0)));
        assert_eq!(asked.get(b"a"), Some(item("a", 2.0)));
        assert!(asked.ask(&key, None));
        asked.note(&Change::Clear);
        asked.release(&key);
        assert_eq!(asked.get(b"a"), None);
        asked.release(&key);
        assert!(!asked.ask(&key, None));
    }

    /// A list is in the order of times, and follows what this process does.
    #[test]
    fn lists() {
        let mut asked = Asked::default();
        asked.bring_all(vec![item("b", 2.0), item("c", 1.0), item("a", 2.0)]);
        asked.note(&Change::Remove(Bytes::from("a")));
        asked.note(&Change::Put(item("d", 0.0)));
        let keys = |asked: &Asked| asked.all().map(|item| item.key.clone()).collect::<Vec<_>>();
        assert_eq!(keys(&asked), ["c", "b", "d"]);
        asked.note(&Change::Put(item("a", 3.0)));
        asked.note(&Change::Clear);
        asked.note(&Change::Put(item("c", 4.0)));
        asked.note(&Change::Put(item("a", 5.0)));
        assert_eq!(keys(&asked), ["c", "a"]);
        asked.release_all();
        assert_eq!(asked.all().count(), 0);
    }
}
