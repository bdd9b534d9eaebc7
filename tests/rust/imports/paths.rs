//! The paths in a Rust source: those of its `use` items, and those that begin at the crate.

/// A path as it is written, one string a segment.
pub type Path = Vec<String>;

/// What a `use` item imports, and whether it re-exports it (`pub use`).
#[derive(Debug)]
pub struct Use {
    pub path: Path,
    /// The name under which it is imported.
    pub name: String,
    pub is_public: bool,
}

/// Returns the `use` items of `source`, one for each name.
pub fn uses(source: &str) -> Vec<Use> {
    let source = without_tests(source);
    let mut found = Vec::new();
    for (at, _) in source.match_indices("use ") {
        let line = source[..at].rsplit('\n').next().unwrap_or_default().trim();
        if !(line.is_empty() || line.starts_with("pub")) {
            continue;
        }
        let tree = source[at + 4..].split(';').next().unwrap_or_default();
        let tree: String = tree.split_whitespace().collect::<Vec<_>>().join(" ");
        for (path, name) in expand(&tree, &Path::new()) {
            found.push(Use { path, name, is_public: line.starts_with("pub") });
        }
    }
    found
}

/// Returns the paths in the code itself that begin with `crate::` or `super::`.
pub fn inline_paths(source: &str) -> Vec<Path> {
    let source = without_tests(source);
    let word = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    let words = source.split(|c| !word(c)).filter(|path| !path.ends_with(':'));
    let paths = words.filter(|path| path.starts_with("crate::") || path.starts_with("super::"));
    paths.map(|path| path.split("::").map(str::to_owned).collect()).collect()
}

/// Returns the source without comments, and without the tests at its end.
fn without_tests(source: &str) -> String {
    let code = source.split("#[cfg(test)]").next().unwrap_or_default();
    let lines = code.lines().map(|line| line.split("//").next().unwrap_or_default());
    lines.collect::<Vec<_>>().join("\n")
}

/// Expands `a::{b, c as d}` to `a::b` named b and `a::c` named d.
fn expand(tree: &str, before: &Path) -> Vec<(Path, String)> {
    let Some((head, group)) = tree.split_once('{') else { return vec![single(tree, before)] };
    let mut path = before.clone();
    path.extend(head.split("::").map(str::trim).filter(|s| !s.is_empty()).map(str::to_owned));
    let group = group.trim().trim_end_matches(',').strip_suffix('}').unwrap_or(group);
    members(group).into_iter().flat_map(|member| expand(member, &path)).collect()
}

fn single(tree: &str, before: &Path) -> (Path, String) {
    let (tree, name) = tree.split_once(" as ").map_or((tree, None), |(a, b)| (a, Some(b)));
    let mut path = before.clone();
    path.extend(tree.split("::").map(|segment| segment.trim().to_owned()));
    if path.last().is_some_and(|last| last == "self") {
        path.pop();
    }
    let name = name.map_or_else(|| path.last().cloned().unwrap_or_default(), str::to_owned);
    (path, name.trim().to_owned())
}

/// Returns the members of a group, which may hold groups themselves.
fn members(group: &str) -> Vec<&str> {
    let (mut depth, mut start, mut found) = (0, 0, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                found.push(group[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    found.push(group[start..].trim());
    found.retain(|member| !member.is_empty());
    found
}
