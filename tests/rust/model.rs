//! Random histories of two processes on one file, compared with a plain list.

use proptest::prelude::*;

use super::stand::{Cache, Entries, apply, entries, names, place, put, remove};
use outlive::store::{Change, Item, Store};

/// A step of one of the two processes.
#[derive(Clone, Debug)]
enum Step {
    /// Makes a change.
    Change(Change),
    /// Folds the journal.
    Save,
    /// Exits cleanly and restarts.
    Close,
    /// Is killed and restarts.
    Kill,
    /// Is killed in the middle of a write and restarts.
    Tear(usize),
    /// Is killed after it sealed the journal for a save, and restarts.
    KillInSave,
    /// Takes in what the other process did.
    Listen,
}

fn step() -> impl Strategy<Value = Step> {
    let key = || prop::sample::select(vec!["a", "b", "c", "\u{0}\"\\", "outlive", ""]);
    prop_oneof![
        8 => (key(), 0..1000_u32).prop_map(|(key, n)| Step::Change(put(key, &n.to_string()))),
        3 => key().prop_map(|key| Step::Change(remove(key))),
        1 => Just(Step::Change(Change::Clear)),
        2 => Just(Step::Save),
        2 => Just(Step::Close),
        2 => Just(Step::Kill),
        1 => (1_usize..40).prop_map(Step::Tear),
        1 => Just(Step::KillInSave),
        2 => Just(Step::Listen),
    ]
}

fn sorted(items: &[Item]) -> Entries {
    let mut entries = entries(items);
    entries.sort();
    entries
}

/// Appends part of a record to the last journal, as a process that is killed in `write` may.
fn tear(folder: &std::path::Path, length: usize) {
    use std::io::Write;
    let half = [b"\xFFol\x01\x01".as_slice(), &[0; 40]].concat();
    let journal = names(folder).into_iter().rfind(|name| name.contains(".journal-"));
    if let Some(journal) = journal {
        let mut options = std::fs::OpenOptions::new();
        let file = options.append(true).open(folder.join(journal));
        file.and_then(|mut file| file.write_all(&half[..length])).expect("the test can write");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever two processes do in turn, and however they end, each sees exactly what both did.
    #[test]
    fn two_processes_agree_with_a_list(
        steps in prop::collection::vec((any::<bool>(), step()), 1..40)
    ) {
        let (folder, path) = place();
        let mut model: Vec<Item> = vec![];
        let mut caches = [Cache::open(&path), Cache::open(&path)];
        for (who, step) in &steps {
            let cache = &mut caches[usize::from(*who)];
            match step {
                Step::Change(change) => {
                    prop_assert!(cache.change(change));
                    apply(&mut model, change);
                }
                Step::Save => prop_assert!(cache.save()),
                Step::Listen => cache.listen(),
                Step::Close => {
                    prop_assert!(cache.close());
                    *cache = Cache::open(&path);
                }
                Step::Kill => *cache = Cache::open(&path),
                Step::Tear(length) => {
                    tear(folder.path(), *length);
                    *cache = Cache::open(&path);
                }
                Step::KillInSave => {
                    if let Ok(Some(mut saving)) = cache.store.begin_save() {
                        drop(saving.seal());
                    }
                    *cache = Cache::open(&path);
                }
            }
            cache.listen();
            prop_assert_eq!(sorted(&cache.items), sorted(&model), "after {:?}", step);
        }
        for cache in &mut caches {
            prop_assert!(cache.close());
        }
        prop_assert_eq!(sorted(&Cache::open(&path).items), sorted(&model));
        let left = names(folder.path());
        prop_assert!(left.iter().all(|name| name == "cache.json"), "{:?}", left);
    }
}
