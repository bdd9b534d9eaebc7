//! A cache behind another one, which is only read.

use super::Cache;

impl<L, E> Cache<L, E>
where
    L: Clone + Send + Sync + 'static,
    E: Clone + Send + Sync + 'static,
{
    /// Serves from now on what `other` holds and this cache lacks. It is written nowhere.
    pub fn borrow(&self, other: &Self) {
        if let Some(salt) = other.salts().get(true) {
            self.salts().borrow(salt);
        }
        for key in other.listing().keys() {
            if let Some(found) = other.peek(&key).filter(|_| !self.contains(&key)) {
                // Nothing is written that could fail.
                let _ = self.put_again(&key, found.entry.lent());
            }
        }
    }
}
