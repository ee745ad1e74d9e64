//! Access as bits: what a role gives, in the order in which its catalogue measures roles.

use crate::model::PERMISSIONS_MAX;

const WORDS: usize = 8;
const LAST: usize = WORDS * 64 - 1;

/// What somebody may do, as far as it can be compared: permissions, and *atoms*. An atom stands for a
/// role whose permissions are not published, which is comparable with nothing but itself, or, where
/// the highest role decides, for a place in the order of the roles. In both, more access is more
/// bits, and several roles together are the union of theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Bits([u64; WORDS]);

impl Bits {
    /// Nothing.
    pub const NONE: Self = Self([0; WORDS]);
    /// Everything there is and may come: what an administrator has.
    pub const ALL: Self = Self([u64::MAX; WORDS]);
    /// How many atoms there can be: what is left besides permissions and the mark of administrators.
    pub const ATOMS_MAX: usize = LAST - PERMISSIONS_MAX;

    /// The set of one permission.
    #[must_use]
    pub fn permission(bit: usize) -> Self {
        Self::NONE.with(bit.min(PERMISSIONS_MAX - 1))
    }

    /// The set of one atom. Those beyond [`Self::ATOMS_MAX`] share the last one.
    #[must_use]
    pub fn atom(number: usize) -> Self {
        Self::NONE.with(PERMISSIONS_MAX + number.min(Self::ATOMS_MAX - 1))
    }

    /// The mark of administrators alone.
    #[must_use]
    pub fn administers() -> Self {
        Self::NONE.with(LAST)
    }

    fn with(mut self, bit: usize) -> Self {
        if let Some(word) = self.0.get_mut(bit / 64) {
            *word |= 1 << (bit % 64);
        }
        self
    }

    /// Whether the mark of administrators is in it.
    #[must_use]
    pub fn is_administrator(&self) -> bool {
        self.holds(LAST)
    }

    /// Whether the permission of that number is in it.
    #[must_use]
    pub fn has_permission(&self, bit: usize) -> bool {
        bit < PERMISSIONS_MAX && self.holds(bit)
    }

    /// Whether the atom of that number is in it.
    #[must_use]
    pub fn has_atom(&self, number: usize) -> bool {
        self.holds(PERMISSIONS_MAX + number.min(Self::ATOMS_MAX - 1))
    }

    fn holds(&self, bit: usize) -> bool {
        self.0.get(bit / 64).is_some_and(|word| word & (1 << (bit % 64)) != 0)
    }

    /// Both together.
    #[must_use]
    pub fn or(mut self, other: Self) -> Self {
        self.0.iter_mut().zip(other.0).for_each(|(a, b)| *a |= b);
        self
    }

    /// What both have.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.0.iter_mut().zip(other.0).for_each(|(a, b)| *a &= b);
        self
    }

    /// What this has and the other has not.
    #[must_use]
    pub fn minus(mut self, other: Self) -> Self {
        self.0.iter_mut().zip(other.0).for_each(|(a, b)| *a &= !b);
        self
    }

    /// Whether the other has all of it.
    #[must_use]
    pub fn within(&self, other: &Self) -> bool {
        self.0.iter().zip(other.0).all(|(a, b)| a & !b == 0)
    }

    /// Each bit by itself, in rising order.
    pub fn parts(&self) -> impl Iterator<Item = Self> + use<> {
        let all = *self;
        (0..WORDS * 64).filter(move |bit| all.holds(*bit)).map(|bit| Self::NONE.with(bit))
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|w| *w == 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permissions_atoms_and_administrators_never_meet() {
        let last_permission = Bits::permission(PERMISSIONS_MAX - 1);
        let last_atom = Bits::atom(usize::MAX);
        assert!(last_permission.and(Bits::atom(0)).is_empty());
        assert!(last_atom.and(Bits::administers()).is_empty());
        assert!(last_atom.has_atom(Bits::ATOMS_MAX - 1) && !last_atom.is_administrator());
        assert!(!Bits::ALL.minus(Bits::administers()).is_administrator());
        assert!(Bits::atom(3).within(&Bits::ALL) && !Bits::ALL.within(&Bits::atom(3)));
    }
}
