//! A tree of Rust sources, and which file imports which.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use super::paths::{Path, Use, inline_paths, uses};

/// The files of a crate by their module: `["store", "file"]` for `store/file.rs` or
/// `store/file/mod.rs`.
#[derive(Default)]
pub struct Tree(BTreeMap<Path, Source>);

struct Source {
    uses: Vec<Use>,
    paths: Vec<Path>,
}

/// The modules that each module imports, without its own parents and children.
pub type Imports = BTreeMap<String, BTreeSet<String>>;

impl Tree {
    /// Reads the sources below `folder`.
    pub fn read(folder: &std::path::Path) -> Self {
        let mut tree = Self::default();
        tree.read_folder(folder, folder);
        tree
    }

    fn read_folder(&mut self, root: &std::path::Path, folder: &std::path::Path) {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                self.read_folder(root, &path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
                self.add(&name, &fs::read_to_string(&path).unwrap());
            }
        }
    }

    /// Adds one file.
    pub fn add(&mut self, file: &str, text: &str) {
        let mut module: Path = file.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
        if module.last().is_some_and(|last| last == "mod" || last == "lib") {
            module.pop();
        }
        self.0.insert(module, Source { uses: uses(text), paths: inline_paths(text) });
    }

    /// Returns which module imports which.
    pub fn imports(&self) -> Imports {
        let mut imports = Imports::new();
        for (module, source) in &self.0 {
            let paths = source.uses.iter().map(|used| &used.path).chain(&source.paths);
            let targets = paths.filter_map(|path| self.resolve(module, path));
            let others = targets.filter(|to| !to.starts_with(module) && !module.starts_with(to));
            imports.insert(module.join("/"), others.map(|to| to.join("/")).collect());
        }
        imports
    }

    /// Returns the module of what `path` names in `module`; `None` if it is of another crate.
    fn resolve(&self, module: &Path, path: &Path) -> Option<Path> {
        let mut here = match path.first()?.as_str() {
            "crate" => Path::new(),
            "super" => module[..module.len().checked_sub(1)?].to_vec(),
            "self" => module.clone(),
            name => {
                let child: Path = module.iter().cloned().chain([name.to_owned()]).collect();
                return self.0.contains_key(&child).then(|| self.descend(child, &path[1..]));
            }
        };
        let mut rest = &path[1..];
        while rest.first().is_some_and(|segment| segment == "super") {
            here.pop();
            rest = &rest[1..];
        }
        Some(self.descend(here, rest))
    }

    /// Follows `rest` from `module` as far as there are files, also through re-exports of children.
    fn descend(&self, module: Path, rest: &[String]) -> Path {
        let Some(name) = rest.first() else { return module };
        let child: Path = module.iter().cloned().chain([name.clone()]).collect();
        if self.0.contains_key(&child) {
            return self.descend(child, &rest[1..]);
        }
        let handed_on = self.0.get(&module).into_iter().flat_map(|source| &source.uses);
        let mut handed_on = handed_on.filter(|used| used.is_public && used.name == *name);
        let own = handed_on.next().filter(|used| used.path.len() > 1);
        own.and_then(|used| self.resolve(&module, &used.path)).unwrap_or(module)
    }
}
