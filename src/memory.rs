//! Memory that may not be available: code that asks for a lot of it fails without ending the
//! process.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// The payload with which a thread unwinds when there is no memory for a text or a file. It is
/// caught where these are requested, and at the border to Python, where it becomes a `MemoryError`.
#[derive(Clone, Copy, Debug)]
pub struct OutOfMemory;

impl OutOfMemory {
    /// Unwinds without a message.
    #[cold]
    pub(crate) fn unwind() -> ! {
        resume_unwind(Box::new(Self))
    }

    /// Returns the result of `run`, unless it runs out of memory.
    pub fn catch<T>(run: impl FnOnce() -> T) -> Result<T, Self> {
        // State that is left half done is in `run` alone, and is dropped with it.
        let done = catch_unwind(AssertUnwindSafe(run));
        done.map_err(|payload| match payload.downcast::<Self>() {
            Ok(out) => *out,
            Err(other) => resume_unwind(other),
        })
    }
}

/// Makes room for `more` at the end of a list, as `Vec::reserve` does, or unwinds with
/// [`OutOfMemory`].
#[inline]
pub(crate) fn make_room<T>(list: &mut Vec<T>, more: usize) {
    if list.capacity() - list.len() < more {
        grow(list, more);
    }
}

#[cold]
#[inline(never)]
fn grow<T>(list: &mut Vec<T>, more: usize) {
    if list.try_reserve(more).is_err() {
        OutOfMemory::unwind();
    }
}

#[cfg(test)]
mod tests {
    use super::{OutOfMemory, make_room};

    /// A request for more memory than there is fails, and leaves what was there.
    #[test]
    fn too_much_unwinds() {
        let mut list = vec![1_u64];
        make_room(&mut list, 10);
        assert!(list.capacity() >= 11);
        let refused = OutOfMemory::catch(|| make_room(&mut list, usize::MAX / 8));
        assert!(refused.is_err());
        assert_eq!(list, [1]);
    }

    /// A panic is not taken for a lack of memory.
    #[test]
    #[should_panic(expected = "another matter")]
    fn a_panic_goes_on() {
        let _ = OutOfMemory::catch(|| panic!("another matter"));
    }
}
