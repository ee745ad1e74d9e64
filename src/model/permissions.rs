//! Sets of permissions as bits.

/// How many permissions a catalogue may have. The largest known system has 35
/// (`shared/targets/paradime.md`); a set of 256 is four words and can be copied.
pub const PERMISSIONS_MAX: usize = 256;

/// A set of the permissions of one directory: bit `n` is the `n`th of its sorted permission names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Permissions([u64; PERMISSIONS_MAX / 64]);

impl Permissions {
    /// No permission.
    pub const NONE: Self = Self([0; PERMISSIONS_MAX / 64]);

    /// The set with `bit` added. A bit beyond [`PERMISSIONS_MAX`] is not kept; the configuration
    /// refuses such catalogues.
    pub fn insert(&mut self, bit: usize) {
        if let Some(word) = self.0.get_mut(bit / 64) {
            *word |= 1 << (bit % 64);
        }
    }

    /// Whether `bit` is in the set.
    #[must_use]
    pub fn contains(&self, bit: usize) -> bool {
        self.0.get(bit / 64).is_some_and(|word| word & (1 << (bit % 64)) != 0)
    }

    /// Both together.
    #[must_use]
    pub fn union(mut self, other: Self) -> Self {
        for (a, b) in self.0.iter_mut().zip(other.0) {
            *a |= b;
        }
        self
    }

    /// What is in this set and not in the other.
    #[must_use]
    pub fn minus(mut self, other: Self) -> Self {
        for (a, b) in self.0.iter_mut().zip(other.0) {
            *a &= !b;
        }
        self
    }

    /// Whether everything here is also in `other`: the order of roles.
    #[must_use]
    pub fn is_subset(&self, other: &Self) -> bool {
        self.0.iter().zip(other.0).all(|(a, b)| a & !b == 0)
    }

    /// Whether there is no permission in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::NONE
    }

    /// How many permissions there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.iter().map(|w| w.count_ones() as usize).sum()
    }

    /// The bits in rising order.
    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        (0..PERMISSIONS_MAX).filter(|&bit| self.contains(bit))
    }
}

impl FromIterator<usize> for Permissions {
    fn from_iter<I: IntoIterator<Item = usize>>(bits: I) -> Self {
        let mut set = Self::NONE;
        for bit in bits {
            set.insert(bit);
        }
        set
    }
}
