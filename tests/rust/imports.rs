//! Which file of `src` may import which: no circles, and each room only rooms before it.

mod paths;
mod tree;

use std::collections::BTreeSet;
use std::path::Path;

use tree::{Imports, Tree};

/// The rooms (layers) in order; those on one line do not import each other.
const ROOMS: &[&[&str]] = &[
    &["error", "memory", "stepping"],
    &["clock"],
    &["sync"],
    &["collections", "value"],
    &["key"],
    &["flight", "policy", "store"],
    &["cache"],
    &["py/ffi"],
    &["py/value"],
    &["py/key"],
    &["py/cache"],
    &["py/hits"],
    &["py/call"],
    &["py/task"],
    &["py/vectorcall"],
    &["py/manager", "py/named_call"],
    &["py/control", "py/long_work", "py/memoised", "py/receipts", "py/report"],
];

/// Returns a circle of imports, from a module back to itself; `None` if there is none.
fn circle(imports: &Imports) -> Option<Vec<&str>> {
    let mut done = BTreeSet::new();
    imports.keys().find_map(|module| walk(imports, module, &mut Vec::new(), &mut done))
}

fn walk<'a>(
    imports: &'a Imports,
    module: &'a str,
    way: &mut Vec<&'a str>,
    done: &mut BTreeSet<&'a str>,
) -> Option<Vec<&'a str>> {
    if let Some(start) = way.iter().position(|before| *before == module) {
        return Some(way[start..].iter().copied().chain([module]).collect());
    }
    if !done.insert(module) {
        return None;
    }
    way.push(module);
    let next = imports.get(module).into_iter().flatten();
    let found = next.into_iter().find_map(|to| walk(imports, to, way, done));
    way.pop();
    found
}

/// Returns the imports of rooms that do not stand before the importing one.
fn backwards(imports: &Imports, rooms: &[&[&str]]) -> Vec<String> {
    let room = |module: &str| {
        let is_in = |room: &&str| {
            module.strip_prefix(room).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let rank = rooms.iter().position(|line| line.iter().any(is_in))?;
        rooms[rank].iter().find(|room| is_in(room)).map(|room| (rank, *room))
    };
    let mut found = Vec::new();
    for (from, to) in imports.iter().flat_map(|(from, all)| all.iter().map(move |to| (from, to))) {
        let (Some(mine), Some(other)) = (room(from), room(to)) else { continue };
        if mine != other && other.0 >= mine.0 {
            found.push(format!("{from} imports {to}"));
        }
    }
    found
}

fn made_up(files: &[(&str, &str)]) -> Imports {
    let mut tree = Tree::default();
    for (file, text) in files {
        tree.add(file, text);
    }
    tree.imports()
}

/// No file of `src` imports another one that imports it, directly or through others.
#[test]
fn there_is_no_circle() {
    let imports = Tree::read(Path::new("src")).imports();
    assert_eq!(circle(&imports), None);
}

/// Each room imports only rooms that stand before it, and every file is in a room.
#[test]
fn rooms_import_what_stands_before_them() {
    let imports = Tree::read(Path::new("src")).imports();
    assert_eq!(backwards(&imports, ROOMS), [""; 0]);
    let known = |module: &&String| {
        let is_face = module.is_empty() || module.as_str() == "py";
        is_face || ROOMS.iter().flat_map(|line| line.iter()).any(|room| module.starts_with(room))
    };
    let unknown: Vec<_> = imports.keys().filter(|module| !known(module)).collect();
    assert!(unknown.is_empty(), "in no room: {unknown:?}");
}

/// A circle is found and named, whether it runs through groups, inline paths or re-exports.
#[test]
fn a_circle_is_named() {
    let ring = made_up(&[
        ("lib.rs", "mod a;\nmod b;\nmod c;\n"),
        ("a/mod.rs", "mod x;\npub use x::{\n    One,\n    Two as Other,\n};\n"),
        ("a/x.rs", "fn f() { crate::c::g() }\n"),
        ("b.rs", "use crate::a::Other;\n"),
        ("c.rs", "use std::fmt;\n\nuse crate::{a as _unused, b::{self}};\n"),
    ]);
    assert_eq!(circle(&ring), Some(vec!["a/x", "c", "b", "a/x"]));
}

/// A module and its own children may import each other; tests and comments import nothing.
#[test]
fn children_tests_and_comments_make_no_circle() {
    let tree = made_up(&[
        ("lib.rs", "mod a;\nmod b;\n"),
        ("a/mod.rs", "mod x;\nuse x::One;\npub struct Two;\n"),
        ("a/x.rs", "use super::Two;\n"),
        (
            "b.rs",
            "use super::a::Two; // use crate::c;\n#[cfg(test)]\nmod tests { use super::*; }\n",
        ),
        ("c.rs", "//! Of crate::b.\n"),
    ]);
    assert_eq!(circle(&tree), None);
    assert_eq!(tree["b"].iter().collect::<Vec<_>>(), ["a"]);
}

/// An import of a later room, or of one on the same line, is named.
#[test]
fn a_room_behind_is_refused() {
    let tree = made_up(&[
        ("low/mod.rs", "mod one;\nmod two;\n"),
        ("low/one.rs", "use crate::high::Two;\n"),
        ("low/two.rs", "use super::one::One;\n"),
        ("beside.rs", "use crate::low::one::One;\n"),
        ("high.rs", "use crate::beside::X;\nuse crate::low::two::Y;\n"),
    ]);
    let rooms: &[&[&str]] = &[&["low", "beside"], &["high"]];
    assert_eq!(backwards(&tree, rooms), ["beside imports low/one", "low/one imports high"]);
}
