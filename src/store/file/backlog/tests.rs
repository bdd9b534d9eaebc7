use super::*;

fn remove(key: &'static str) -> Change {
    Change::Remove(Bytes::from_static(key.as_bytes()))
}

fn put(key: &'static str, created: f64) -> Item {
    let (key, text) = (Bytes::from_static(key.as_bytes()), Bytes::from_static(b"1"));
    let (sound, timed, notes) = (true, false, crate::store::Notes::default());
    Item { key, text, sound, created: Some(created), timed, notes }
}

fn kept(backlog: &Backlog) -> Vec<Change> {
    backlog.changes().cloned().collect()
}

/// Only the last change of a key is kept, and a clear removes everything before it.
#[test]
fn later_changes_overtake() {
    let mut backlog = Backlog::default();
    for key in ["a", "b", "a"] {
        backlog.keep(remove(key), Cause::Given);
    }
    assert_eq!(kept(&backlog), [remove("b"), remove("a")]);
    backlog.keep(Change::Clear, Cause::Given);
    backlog.keep(remove("c"), Cause::Given);
    assert_eq!(kept(&backlog), [Change::Clear, remove("c")]);
    assert!(backlog.blocks());
}

/// A snapshot settles what was kept before it began, and nothing that came later.
#[test]
fn snapshots_settle() {
    let mut backlog = Backlog::default();
    backlog.keep(remove("a"), Cause::Given);
    let mark = backlog.mark();
    backlog.keep(remove("b"), Cause::Given);
    backlog.settle(mark);
    assert_eq!(kept(&backlog), [remove("b")]);
}

/// What others appended after the user deleted the cache is newer than a reclaimed change, but
/// not newer than one that could never be appended.
#[test]
fn reclaimed_changes_are_the_oldest() {
    let mut backlog = Backlog::default();
    for key in ["a", "b"] {
        backlog.note_appended(remove(key));
    }
    backlog.keep(remove("c"), Cause::Given);
    backlog.reclaim_void();
    backlog.note_found(&[], &[remove("c"), remove("a")]);
    assert_eq!(kept(&backlog), [remove("b"), remove("c")]);
}

/// A purge by another process drops a computed result that could not be appended; a result that
/// the user put stays.
#[test]
fn purges_outdate_what_was_computed() {
    let mut backlog = Backlog::default();
    backlog.keep(remove("a"), Cause::Computed);
    backlog.keep(remove("b"), Cause::Given);
    assert!(backlog.outdate(&Purge::All, false).is_empty());
    let gone = backlog.outdate(&Purge::All, true);
    assert_eq!((gone, kept(&backlog)), (vec![Bytes::from_static(b"a")], vec![remove("b")]));
    backlog.keep_as(remove("c"), Cause::Computed, true);
    assert_eq!(backlog.outdate(&Purge::All, false), [Bytes::from_static(b"c")]);
}

/// A purge of a pattern leaves what an outdated result was put over: the key is forgotten.
#[test]
fn what_a_pattern_outdates_is_forgotten() {
    let mut backlog = Backlog::default();
    backlog.keep(Change::Put(put("a", 1.0)), Cause::Computed);
    backlog.keep(Change::Put(put("b", 1.0)), Cause::Computed);
    let number = backlog.first().map(|it| it.0).expect("there are two");
    assert_eq!(backlog.outdate(&Purge::Fitting(Bytes::from_static(b"a*")), true).len(), 1);
    assert!(!backlog.holds(number));
    assert_eq!(kept(&backlog), [Change::Put(put("b", 1.0)), remove("a")]);
}

/// Changes appended since the files were last seen come before those that could not be
/// appended.
#[test]
fn lost_changes_are_reclaimed_in_order() {
    let mut backlog = Backlog::default();
    backlog.note_appended(remove("old"));
    backlog.confirm();
    backlog.note_appended(remove("a"));
    backlog.keep(remove("b"), Cause::Given);
    backlog.reclaim();
    assert_eq!(kept(&backlog), [remove("a"), remove("b")]);
}

/// What others made, and is only written again behind a clear that waits, goes with the cache that
/// the user deletes; a reclaimed change keeps the time at which it was made.
#[test]
fn results_of_others_are_not_reclaimed() {
    for reclaim in [Backlog::reclaim, Backlog::reclaim_void] {
        let mut backlog = Backlog::default();
        backlog.keep(Change::Clear, Cause::Given);
        let of_others = put("a", clock::now() + 60.0);
        backlog.note_found(std::slice::from_ref(&of_others), &[]);
        assert_eq!(kept(&backlog), [Change::Clear, Change::Put(of_others)]);
        let made = backlog.first();
        reclaim(&mut backlog);
        assert_eq!(backlog.first().map(|it| it.3), made.map(|it| it.3));
        backlog.renew_repeated(&[], &[]);
        assert_eq!(kept(&backlog), [Change::Clear]);
    }
}

/// What somebody asked for, and waits for, comes after what others make meanwhile; once he goes on,
/// what they make is newer.
#[test]
fn who_waits_has_the_last_word() {
    let mut backlog = Backlog::default();
    backlog.keep_as(remove("a"), Cause::Given, true);
    backlog.note_found(&[put("a", clock::now() + 60.0)], &[]);
    assert_eq!(kept(&backlog), [remove("a")]);
    backlog.note_trouble();
    backlog.note_found(&[put("a", clock::now() + 60.0)], &[]);
    assert!(backlog.is_empty());
}

/// A result made after a change that no disk has taken is newer, wherever it is read: a clear,
/// too, removes only what is older than itself.
#[test]
fn newer_results_are_left() {
    let mut backlog = Backlog::default();
    backlog.keep(Change::Clear, Cause::Given);
    backlog.keep(Change::Put(put("a", 5.0)), Cause::Given);
    let (old, newer, newest) = (put("b", 3.0), put("a", 6.0), put("c", 1e12));
    backlog.note_found(&[old, newer, newest.clone()], &[]);
    assert_eq!(kept(&backlog), [Change::Clear, Change::Put(newest)]);
}

/// A purge in the chain that began after a result was lost with its files is newer than the result.
#[test]
fn later_purges_overrule_lost_results() {
    const BEGUN: u64 = 5_000_000;
    let mut backlog = Backlog::default();
    for (key, made) in [("a", 1.0), ("b", 1.0), ("c", 9.0)] {
        backlog.note_appended(Change::Put(put(key, made)));
    }
    backlog.reclaim();
    backlog.keep(Change::Put(put("d", 1.0)), Cause::Given);
    let purges = ["a", "c", "d"].map(|key| Purge::Key(Bytes::from(key)));
    backlog.overrule(&purges, BEGUN);
    let left = [("b", 1.0), ("c", 9.0), ("d", 1.0)];
    assert_eq!(kept(&backlog), left.map(|(key, made)| Change::Put(put(key, made))));
}
