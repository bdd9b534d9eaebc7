//! Files that plainly belong to another program: a cache given such a name must not take it over.

use std::path::Path;

use super::format::Format;
use super::read::Snapshot;
use crate::store::Items;

/// Members by which tools recognise their own files.
const SIGNATURES: [(&[&str], &str); 7] = [
    (&["name", "version", "dependencies"], "the manifest of a package"),
    (&["name", "version", "scripts"], "the manifest of a package"),
    (&["lockfileVersion"], "a package manager's lock file"),
    (&["nbformat", "cells"], "a notebook"),
    (&["compilerOptions"], "a compiler's configuration"),
    (&["openapi", "paths"], "the description of an API"),
    (&["$schema", "properties"], "a JSON schema"),
];
/// Extensions of files that people write and that do not hold JSON.
const WRITTEN: [&str; 16] = [
    "py", "pyi", "toml", "yaml", "yml", "ini", "cfg", "md", "rst", "txt", "csv", "html", "js",
    "ts", "sh", "rs",
];

/// Extensions of databases: text under such a name is the user's own.
const DATABASES: [&str; 3] = ["db", "sqlite", "sqlite3"];

/// Returns what the file at `path` is, if not even a damaged cache can look like it.
pub fn somebody_elses(path: &Path, found: &Snapshot) -> Option<&'static str> {
    if let Some(damage) = found.damage.as_ref().filter(|_| found.items.is_empty()) {
        let extension = path.extension()?.to_str()?.to_ascii_lowercase();
        let is_written = WRITTEN.contains(&extension.as_str());
        let is_no_database = damage.is_prose && DATABASES.contains(&extension.as_str());
        return (is_written || is_no_database).then_some("it holds no JSON");
    }
    let Items::InFile(file, index) = &found.items else { return None };
    // A reserved member shows that it is ours.
    if found.format != Some(Format::Flat) || file.has_facts() || file.salt().is_some() {
        return None;
    }
    let has = |key: &&str| {
        let key = key.as_bytes();
        index.find(index.hash(key), |row| file.has_key(row, key)).is_some()
    };
    SIGNATURES.iter().find(|(keys, _)| keys.iter().all(has)).map(|(_, what)| *what)
}

#[cfg(test)]
mod tests {
    use super::somebody_elses;
    use crate::store::snapshot::read::read;
    use std::path::Path;

    fn is_foreign(name: &str, text: &'static str) -> bool {
        somebody_elses(Path::new(name), &read(&text.as_bytes().into())).is_some()
    }

    /// Files of other tools are recognised by their contents, programs by their names; a cache,
    /// whole or damaged, is neither.
    #[test]
    fn files_of_others_are_known() {
        let package = r#"{"name": "x", "version": "1", "scripts": {}}"#;
        assert!(is_foreign("package.json", package));
        assert!(is_foreign("main.py", "import os\nprint({\"a\": 1})\n"));
        assert!(is_foreign("book.ipynb", r#"{"cells": [], "metadata": {}, "nbformat": 4}"#));
        assert!(!is_foreign("cache.json", r#"{"name": 1, "version": 2}"#));
        assert!(!is_foreign("cache.json", "damaged"));
        assert!(is_foreign("notes.db", "my notes\n- eggs\n"));
        assert!(!is_foreign("cache.db", "{\n\"a\": 1,\n\"b"));
        assert!(!is_foreign("cache.db", "\0\0\0\0 torn by a loss of power"));
        assert!(!is_foreign("cache.txt", "{\n\"a\": 1,\n\"b"));
        let ours = r#"{"name": 1, "version": 2, "scripts": 3, "outlive:meta": {"version": 1, "salt": "s"}}"#;
        assert!(!is_foreign("cache.json", ours));
    }
}
