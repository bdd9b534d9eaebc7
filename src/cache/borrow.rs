//! A cache that stands behind another one and is only read.

use super::Cache;

impl<L, E> Cache<L, E>
where
    L: Clone + Send + Sync + 'static,
    E: Clone + Send + Sync + 'static,
{
    /// Serves what `other` holds and this cache lacks from now on; it is not written anywhere.
    pub fn borrow(&self, other: &Self) {
        if let Some(salt) = other.salts().get(true) {
            self.salts().borrow(salt);
        }
        for key in other.listing().keys() {
            if let Some(found) = other.peek(&key).filter(|_| !self.contains(&key)) {
                // Borrowed entries are not written, so nothing can fail.
                let _ = self.put_again(&key, found.entry.lent());
            }
        }
    }
}
