//! A file that has grown so large that its user should know.

use std::path::Path;

/// From this size on, in bytes.
const LARGE: u64 = 500_000_000;

/// What to say of a file of so many bytes; nothing if that is no burden yet.
pub(super) fn notice(path: &Path, bytes: u64) -> Option<String> {
    (bytes >= LARGE).then(|| {
        format!(
            "{} has {} MB, and every program that uses it reads them all: let old results go with \
             ttl=, maxsize= or max_bytes=, or divide them among several Cache(...) files",
            path.display(),
            bytes / 1_000_000,
        )
    })
}

#[cfg(test)]
mod tests {
    use super::notice;
    use std::path::Path;

    /// The notice names the file, its size and what can be done.
    #[test]
    fn large_files_are_told() {
        let path = Path::new("c.json");
        assert_eq!(notice(path, 499_999_999), None);
        let told = notice(path, 512_345_678).unwrap();
        assert!(told.starts_with("c.json has 512 MB") && told.contains("max_bytes="), "{told}");
    }
}
