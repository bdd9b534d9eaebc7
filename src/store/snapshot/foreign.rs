//! Files that plainly belong to another program: a cache given such a name must not take it over.

use std::path::Path;

use super::damage::Looks;
use super::format::Format;
use super::read::Snapshot;
use crate::store::Items;

/// Members by which tools recognise their own files. A drop-in's keys may be any words, so each is a
/// word or a set of words that nobody asks for by chance.
const SIGNATURES: [(&[&str], &str); 32] = [
    (&["name", "version", "dependencies"], "the manifest of a package"),
    (&["name", "version", "devDependencies"], "the manifest of a package"),
    (&["name", "version", "scripts"], "the manifest of a package"),
    (&["name", "require", "autoload"], "the manifest of a package"),
    (&["manifest_version", "name"], "the manifest of an extension"),
    (&["lockfileVersion"], "a package manager's lock file"),
    (&["content-hash", "packages"], "a package manager's lock file"),
    (&["_meta", "default", "develop"], "a package manager's lock file"),
    (&["nbformat", "cells"], "a notebook"),
    (&["compilerOptions"], "a compiler's configuration"),
    (&["presets", "plugins"], "a compiler's configuration"),
    (&["rules", "extends"], "a linter's configuration"),
    (&["folders", "settings"], "an editor's configuration"),
    (&["version", "configurations"], "an editor's configuration"),
    (&["Logging", "AllowedHosts"], "a server's configuration"),
    (&["auths", "credsStore"], "a client's configuration"),
    (&["model_type", "architectures"], "a model's configuration"),
    (&["added_tokens", "model"], "a model's configuration"),
    (&["openapi", "paths"], "the description of an API"),
    (&["swagger", "paths"], "the description of an API"),
    (&["$schema"], "a file with a JSON schema"),
    (&["@context", "@type"], "linked data"),
    (&["type", "features"], "a map"),
    (&["type", "geometry", "properties"], "a map"),
    (&["images", "annotations", "categories"], "a data set"),
    (&["bomFormat", "components"], "a bill of materials"),
    (&["spdxVersion"], "a bill of materials"),
    (&["apiVersion", "kind"], "the description of a service"),
    (&["AWSTemplateFormatVersion"], "the description of a service"),
    (&["terraform_version"], "the state of a service"),
    (&["client_email", "private_key"], "an account's key"),
    (&["access_token", "token_type"], "an account's key"),
];
/// Extensions under which a cache that cannot be read any more is one of ours.
const OURS: [&str; 2] = ["json", "cache"];

/// Extensions of files that people write and that do not hold JSON.
const WRITTEN: [&str; 18] = [
    "py", "pyi", "toml", "yaml", "yml", "ini", "cfg", "md", "rst", "txt", "csv", "html", "xml",
    "js", "ts", "sh", "rs", "env",
];
/// Extensions of files with one JSON text a line.
const LINES: [&str; 3] = ["jsonl", "ndjson", "jsonlines"];

/// Returns what the file at `path` is, if not even a damaged cache can look like it.
pub fn somebody_elses(path: &Path, found: &Snapshot) -> Option<&'static str> {
    let extension = path.extension().and_then(|name| name.to_str()).map(str::to_ascii_lowercase);
    let is_one_of = |names: &[&str]| names.iter().any(|name| extension.as_deref() == Some(name));
    if found.damage.is_some() && is_one_of(&LINES) {
        return Some("it has a JSON text a line");
    }
    if let Some(damage) = found.damage.as_ref().filter(|_| found.items.is_empty()) {
        return match damage.looks {
            Looks::Records => Some("a list of records"),
            _ if is_one_of(&WRITTEN) => Some("it holds no JSON"),
            Looks::Prose | Looks::Numbered if !is_one_of(&OURS) => Some("it holds no JSON"),
            _ => None,
        };
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
        assert!(is_foreign("map.json", r#"{"type": "FeatureCollection", "features": []}"#));
        assert!(is_foreign("cookies.json", r#"[{"name": "a", "value": "b"}]"#));
        assert!(is_foreign(".env", "TOKEN=abc\nDEBUG=1\n"));
        assert!(is_foreign("id_rsa", "-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n"));
        assert!(is_foreign("results.zip", "PK\x03\x04\0\0"));
        assert!(is_foreign("log.jsonl", "{\"a\": 1}\n{\"a\": 2}\n"));
        assert!(!is_foreign("cache.json", "damaged"));
        assert!(!is_foreign("cache.json", r#"[{"name": "a", "val"#));
        assert!(!is_foreign("cache", "\0\0\0\0 torn by a loss of power"));
        assert!(!is_foreign("cache", "{\n\"a\": 1,\n\"b"));
        assert!(is_foreign("notes.db", "my notes\n- eggs\n"));
        assert!(!is_foreign("cache.db", "{\n\"a\": 1,\n\"b"));
        assert!(!is_foreign("cache.db", "\0\0\0\0 torn by a loss of power"));
        assert!(!is_foreign("cache.txt", "{\n\"a\": 1,\n\"b"));
        let ours = r#"{"name": 1, "version": 2, "scripts": 3, "outlive:meta": {"version": 1, "salt": "s"}}"#;
        assert!(!is_foreign("cache.json", ours));
    }
}
