//! Random histories of two processes on one database, compared with a plain list.

use std::collections::HashMap;
use std::path::Path;

use bytes::Bytes;
use outlive::store::{Cause, Change, Durability, ExternalChange, Paged as _, SqliteOptions};
use outlive::store::{Item, SqliteStore, Store as _};
use proptest::prelude::*;

use super::stand::{apply, entries, item, names, place, put, remove, share};

/// What one of the two processes does.
#[derive(Clone, Debug)]
enum Step {
    /// It makes a change.
    Change(Change),
    /// It keeps a result that it computed.
    Compute(Item),
    /// It asks for a key, and holds a copy of what it is given.
    Ask(&'static str),
    /// It moves the log into the database.
    Save,
    /// It ends cleanly and is started again.
    Close,
    /// It is killed and started again.
    Kill,
}

fn step() -> impl Strategy<Value = Step> {
    let key = || prop::sample::select(vec!["a", "b(1)", "b(2)", "\u{0}\"\\", "outlive", ""]);
    // Texts on both sides of the length from which they are compressed.
    let text = || (0..1000_u32, prop::sample::select(vec![1, 1_300, 4_094, 60_000]));
    let text =
        move || text().prop_map(|(n, length)| format!("\"{}\"", n.to_string().repeat(length)));
    prop_oneof![
        6 => (key(), text()).prop_map(|(key, text)| Step::Change(put(key, &text))),
        6 => (key(), text()).prop_map(|(key, text)| Step::Compute(item(key, &text))),
        8 => key().prop_map(Step::Ask),
        3 => key().prop_map(|key| Step::Change(remove(key))),
        1 => Just(Step::Change(Change::Clear)),
        1 => Just(Step::Save),
        2 => Just(Step::Close),
        2 => Just(Step::Kill),
    ]
}

/// The least that a cache does with a database.
struct Process {
    store: SqliteStore,
    /// The copies of entries in memory.
    near: HashMap<Bytes, Item>,
}

impl Process {
    fn start(path: &Path) -> Self {
        let options =
            SqliteOptions { durability: Durability::Flush, page_size: 8192, map: Some(share) };
        let store = SqliteStore::new(path.to_path_buf(), options);
        store.load();
        Self { store, near: HashMap::new() }
    }

    /// Drops the copies of what the other one changed.
    fn listen(&mut self) {
        for news in self.store.external_changes() {
            match news {
                ExternalChange::Outdated(Some(key)) => drop(self.near.remove(&key)),
                ExternalChange::Change(change) => {
                    if let Some(key) = change.key() {
                        self.near.remove(key);
                    } else {
                        self.near.clear();
                    }
                }
                ExternalChange::Purge(_) | ExternalChange::Missed(_) => {}
                ExternalChange::Outdated(None) | ExternalChange::Replaced(_) => self.near.clear(),
            }
        }
    }

    fn ask(&mut self, key: &str) -> Option<Item> {
        // That there is nothing is not remembered: a first result is no news.
        let known = self.near.get(key.as_bytes()).cloned();
        let found = known.or_else(|| self.store.get(key.as_bytes()))?;
        self.near.insert(found.key.clone(), found.clone());
        Some(found)
    }

    fn change(&mut self, change: &Change, cause: Cause) -> bool {
        match change.key() {
            Some(key) => drop(self.near.remove(key)),
            None => self.near.clear(),
        }
        self.store.append_as(change.clone(), cause).is_ok_and(|kept| kept)
    }

    /// All that there is, in order.
    fn items(&self) -> Vec<Item> {
        self.store.keys(None, None).iter().filter_map(|key| self.store.get(key)).collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Whatever two processes do in turn, and however they end, each finds exactly what both did,
    /// and serves no copy that the other one has replaced.
    #[test]
    fn two_processes_agree_with_a_list(
        steps in prop::collection::vec((any::<bool>(), step()), 1..40)
    ) {
        let (folder, path) = place();
        let path = path.with_extension("db");
        let mut model: Vec<Item> = vec![];
        let mut both = [Process::start(&path), Process::start(&path)];
        for (who, step) in steps {
            let process = &mut both[usize::from(who)];
            process.listen();
            match step {
                Step::Change(change) => {
                    prop_assert!(process.change(&change, Cause::Given));
                    apply(&mut model, &change);
                }
                Step::Compute(item) => {
                    let change = Change::Put(item);
                    prop_assert!(process.change(&change, Cause::Computed));
                    apply(&mut model, &change);
                }
                Step::Ask(key) => {
                    let found = process.ask(key);
                    let kept = model.iter().find(|item| item.key == key);
                    prop_assert_eq!(found.as_ref(), kept);
                }
                Step::Save => prop_assert!(process.store.begin_save().is_ok()),
                Step::Close => {
                    process.store.close();
                    *process = Process::start(&path);
                }
                Step::Kill => *process = Process::start(&path),
            }
            prop_assert_eq!(entries(&process.items()), entries(&model));
            prop_assert_eq!(process.store.count(None), model.len());
        }
        for process in &both {
            prop_assert_eq!(process.store.notices(), Vec::<String>::new());
            process.store.close();
        }
        drop(both);
        prop_assert_eq!(entries(&Process::start(&path).items()), entries(&model));
        let left = names(folder.path());
        prop_assert!(left.iter().all(|name| name.starts_with("cache.db")), "{:?}", left);
    }
}
