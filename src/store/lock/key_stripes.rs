//! Stripes of keys: where there is no room for every key, each stands for those that share it.

use super::key_checksum;

/// How many there are.
pub const STRIPES: usize = 256;

/// The keys whose results were replaced or forgotten.
#[derive(Clone, Copy, Debug)]
pub enum Affected<'k> {
    /// This key.
    Key(&'k [u8]),
    /// All keys.
    All,
    /// All keys of these stripes.
    Stripes(KeyStripes),
}

/// Some of the stripes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyStripes([u64; STRIPES / 64]);

/// How many bytes they have in a file.
const BYTES: usize = STRIPES / 8;

impl KeyStripes {
    /// Returns the stripes that [`to_bytes`](Self::to_bytes) wrote.
    pub fn from_bytes(bytes: &[u8; BYTES]) -> Self {
        let (fields, _) = bytes.as_chunks::<8>();
        Self(std::array::from_fn(|at| u64::from_le_bytes(fields[at])))
    }

    /// Returns one bit for each stripe, the lowest bit of each byte first.
    pub fn to_bytes(self) -> [u8; BYTES] {
        let mut bytes = [0; BYTES];
        for (field, bits) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(self.0) {
            *field = bits.to_le_bytes();
        }
        bytes
    }

    /// Every stripe.
    pub const ALL: Self = Self([u64::MAX; STRIPES / 64]);

    /// Returns whether there are none.
    pub fn are_none(&self) -> bool {
        *self == Self::default()
    }

    /// Returns whether these are all.
    pub fn are_all(&self) -> bool {
        *self == Self::ALL
    }

    /// Returns whether `key` is in one of them.
    pub fn concern(&self, key: &[u8]) -> bool {
        self.has(stripe_of(key))
    }

    /// Adds the stripes of what is `affected`.
    pub fn add(&mut self, affected: Affected<'_>) {
        match affected {
            Affected::Key(key) => self.extend([stripe_of(key)]),
            Affected::All => *self = Self::ALL,
            Affected::Stripes(other) => self.extend(other.numbers()),
        }
    }

    /// Returns their numbers.
    pub fn numbers(self) -> impl Iterator<Item = usize> {
        (0..STRIPES).filter(move |&number| self.has(number))
    }

    fn has(&self, number: usize) -> bool {
        self.0[number / 64] >> (number % 64) & 1 == 1
    }
}

impl Extend<usize> for KeyStripes {
    fn extend<T: IntoIterator<Item = usize>>(&mut self, numbers: T) {
        for number in numbers {
            self.0[number / 64] |= 1 << (number % 64);
        }
    }
}

impl FromIterator<usize> for KeyStripes {
    fn from_iter<T: IntoIterator<Item = usize>>(numbers: T) -> Self {
        let mut stripes = Self::default();
        stripes.extend(numbers);
        stripes
    }
}

/// Returns the number of the stripe of `key`.
pub fn stripe_of(key: &[u8]) -> usize {
    key_checksum(key) as usize % STRIPES
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Stripes concern the keys that were added, and those that share a stripe with one of them.
    #[test]
    fn stripes_of_keys() {
        let mut stripes = KeyStripes::default();
        assert!(stripes.are_none() && !stripes.concern(b"a"));
        stripes.add(Affected::Key(b"a"));
        assert!(stripes.concern(b"a") && !stripes.concern(b"b") && !stripes.are_none());
        let mut other = [stripe_of(b"b")].into_iter().collect::<KeyStripes>();
        other.add(Affected::Stripes(stripes));
        assert!(other.concern(b"a") && other.concern(b"b") && other.numbers().count() == 2);
        assert_eq!(KeyStripes::from_bytes(&other.to_bytes()), other);
        let bit = stripe_of(b"a");
        assert_eq!(stripes.to_bytes()[bit / 8], 1 << (bit % 8));
        other.add(Affected::All);
        assert!(other.are_all() && other.numbers().count() == STRIPES);
    }
}
