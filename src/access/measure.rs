//! How a catalogue measures roles: from a role to [`Bits`], and from bits back to permissions.

use rustc_hash::FxHashMap;

use super::Bits;
use crate::model::{Catalogue, CatalogueRole, Combine, PERMISSIONS_MAX, Place};

/// What one role gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RoleBits {
    /// Where it is held by a user: as their own role, or through a team.
    pub held: Bits,
    /// Where it is given on a resource.
    pub given: Bits,
}

/// The permission names and atoms of one world.
#[derive(Debug)]
pub struct Measure<'a> {
    catalogue: &'a Catalogue,
    names: Vec<Box<str>>,
    ids: FxHashMap<Box<str>, usize>,
    atoms: FxHashMap<Box<str>, usize>,
    /// By atom: the role it stands for, and its permissions where the highest role decides.
    roles: Vec<(Box<str>, Option<Bits>)>,
}

/// What is asked of a role to measure it.
pub struct Given<'r> {
    /// Its name.
    pub name: &'r str,
    /// Its permissions by name.
    pub permissions: &'r mut dyn Iterator<Item = &'r str>,
    /// Whether it administers.
    pub administers: bool,
}

impl<'a> Measure<'a> {
    /// A measure that knows the permissions of the catalogue.
    #[must_use]
    pub fn new(catalogue: &'a Catalogue) -> Self {
        let (ids, atoms) = (FxHashMap::default(), FxHashMap::default());
        let mut measure = Self { catalogue, names: Vec::new(), ids, atoms, roles: Vec::new() };
        for role in catalogue.roles.values() {
            for name in role.permissions.iter().flatten() {
                measure.bit(name);
            }
        }
        if catalogue.combine == Combine::Highest {
            for (name, role) in &catalogue.roles {
                let bits = measure.named(role);
                let atom = measure.atom(name);
                if let Some(slot) = measure.roles.get_mut(atom) {
                    slot.1 = bits;
                }
            }
        }
        measure
    }

    fn bit(&mut self, name: &str) -> usize {
        if let Some(&bit) = self.ids.get(name) {
            return bit;
        }
        let bit = self.names.len();
        self.names.push(name.into());
        self.ids.insert(name.into(), bit);
        bit
    }

    fn atom(&mut self, role: &str) -> usize {
        if let Some(&atom) = self.atoms.get(role) {
            return atom;
        }
        let atom = self.roles.len();
        self.roles.push((role.into(), None));
        self.atoms.insert(role.into(), atom);
        atom
    }

    fn named(&mut self, role: &CatalogueRole) -> Option<Bits> {
        let names = role.permissions.as_ref()?;
        Some(names.iter().fold(Bits::NONE, |all, n| all.or(Bits::permission(self.bit(n)))))
    }

    /// What a role gives. `Given::permissions` is what the target says; where it says nothing, the
    /// catalogue decides whether that is nothing or not known.
    pub fn role(&mut self, given: Given<'_>) -> RoleBits {
        let mut own = Bits::NONE;
        for name in given.permissions {
            own = own.or(Bits::permission(self.bit(name)));
        }
        let entry = self.catalogue.role(given.name);
        let published = entry.is_some_and(|(_, r)| r.permissions.is_some());
        if own.is_empty() && !published {
            let atom = self.atom(given.name);
            own = Bits::atom(atom);
        } else if self.catalogue.combine == Combine::Highest
            && let Some((name, role)) = entry
        {
            own = self.down_from(name, role, own);
        }
        if given.administers { RoleBits { held: Bits::ALL, given: own } } else { RoleBits { held: own, given: own } }
    }

    /// Where the highest role decides: the places of all roles that do not stand above this one. A role
    /// that may do nothing has no place.
    fn down_from(&self, name: &str, role: &CatalogueRole, permissions: Bits) -> Bits {
        if permissions.is_empty() {
            return Bits::NONE;
        }
        let tier = tier(role);
        let mut bits = Bits::NONE;
        for (other, entry) in &self.catalogue.roles {
            let empty = entry.permissions.as_ref().is_some_and(Vec::is_empty);
            let comparable = other == name || self.together(name, role, other, entry);
            if comparable && !empty && entry.permissions.is_some() && self::tier(entry) <= tier {
                let atom = self.atoms.get(other.as_str()).copied().unwrap_or(usize::MAX);
                bits = bits.or(Bits::atom(atom));
            }
        }
        bits
    }

    /// Whether two roles can meet: held in the same kind of place.
    fn together(&self, a: &str, role_a: &CatalogueRole, b: &str, role_b: &CatalogueRole) -> bool {
        let on_kind =
            self.catalogue.kinds.values().any(|k| k.roles.iter().any(|r| r == a) && k.roles.iter().any(|r| r == b));
        let held = |r: &CatalogueRole| r.places.iter().any(|p| *p != Place::Resource);
        on_kind || (held(role_a) && held(role_b))
    }

    /// The permissions in some bits, by number, in rising order. Where the highest role decides, those
    /// of the roles above which no other is held.
    #[must_use]
    pub fn permissions(&self, bits: &Bits) -> Vec<usize> {
        let mut plain = *bits;
        if self.catalogue.combine == Combine::Highest && !bits.is_administrator() {
            for (atom, (name, own)) in self.roles.iter().enumerate() {
                let (Some(own), Some(role)) = (own, self.catalogue.roles.get(&**name)) else { continue };
                if bits.has_atom(atom) && !self.is_topped(name, role, bits) {
                    plain = plain.or(*own);
                }
            }
        }
        (0..self.names.len().min(PERMISSIONS_MAX)).filter(|bit| plain.has_permission(*bit)).collect()
    }

    fn is_topped(&self, name: &str, role: &CatalogueRole, bits: &Bits) -> bool {
        self.roles.iter().enumerate().any(|(atom, (other, own))| {
            let Some(entry) = self.catalogue.roles.get(&**other).filter(|_| own.is_some() && bits.has_atom(atom))
            else {
                return false;
            };
            **other != *name && self.together(name, role, other, entry) && tier(entry) > tier(role)
        })
    }

    /// The roles in some bits of which nobody has published what they may do.
    #[must_use]
    pub fn unpublished(&self, bits: &Bits) -> Vec<&str> {
        if bits.is_administrator() {
            return Vec::new();
        }
        let rows = self.roles.iter().enumerate();
        rows.filter(|(atom, (_, own))| own.is_none() && bits.has_atom(*atom)).map(|(_, (name, _))| &**name).collect()
    }

    /// The permissions in some bits, and the atoms of roles of which nobody has published what they may
    /// do: what can be said in names. What an administrator has stays as it is.
    #[must_use]
    pub fn plain(&self, bits: &Bits) -> Bits {
        if bits.is_administrator() || self.catalogue.combine == Combine::Union {
            return *bits;
        }
        let named = self.permissions(bits).into_iter().fold(Bits::NONE, |all, p| all.or(Bits::permission(p)));
        let rows = self.roles.iter().enumerate().filter(|(atom, (_, own))| own.is_none() && bits.has_atom(*atom));
        rows.fold(named, |all, (atom, _)| all.or(Bits::atom(atom)))
    }

    /// The names of the permissions whose own bits are there.
    pub fn plain_permissions(&self, bits: &Bits) -> impl Iterator<Item = &str> {
        let bits = *bits;
        self.names.iter().enumerate().filter(move |(bit, _)| bits.has_permission(*bit)).map(|(_, name)| &**name)
    }

    /// The permissions that only let somebody look: those whose last part is `read`, `view`, `list` or
    /// `get`, and those of the least role of a kind of resource that has several, where the least is
    /// within all others and everybody knows what they may do. Everything else counts as writing.
    #[must_use]
    pub fn reading(&self) -> Bits {
        let mut reading = Bits::NONE;
        for (bit, name) in self.names.iter().enumerate() {
            let last = name.rsplit(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
            if ["read", "view", "list", "get"].iter().any(|word| last.eq_ignore_ascii_case(word)) {
                reading = reading.or(Bits::permission(bit));
            }
        }
        for kind in self.catalogue.kinds.values() {
            let roles: Option<Vec<&[String]>> =
                kind.roles.iter().map(|r| self.catalogue.role(r)?.1.permissions.as_deref()).collect();
            let mut roles = roles.unwrap_or_default();
            roles.retain(|r| !r.is_empty());
            roles.sort_by_key(|r| r.len());
            let [least, others @ ..] = roles.as_slice() else { continue };
            let within = |other: &&[String]| other.len() > least.len() && least.iter().all(|p| other.contains(p));
            if !others.is_empty() && others.iter().all(within) {
                let bits = least.iter().filter_map(|p| self.find(p)).map(Bits::permission);
                reading = bits.fold(reading, Bits::or);
            }
        }
        reading
    }

    /// What a role of the catalogue gives to who holds it as a user, be it in the target or not; `None`
    /// where it is not published, or no role.
    #[must_use]
    pub fn published(&self, role: &str) -> Option<Bits> {
        let (name, entry) = self.catalogue.role(role)?;
        if entry.administers {
            return Some(Bits::ALL);
        }
        let names = entry.permissions.as_ref()?;
        let own = names.iter().filter_map(|n| self.find(n)).fold(Bits::NONE, |all, bit| all.or(Bits::permission(bit)));
        Some(if self.catalogue.combine == Combine::Highest { self.down_from(name, entry, own) } else { own })
    }

    /// The names of all permissions, by number.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(|n| &**n)
    }

    /// Some bits in the words of the naive model of the tests.
    #[cfg(test)]
    pub(super) fn words(&self, bits: &Bits) -> std::collections::BTreeSet<String> {
        let permissions = self.names.iter().enumerate().filter(|(bit, _)| bits.has_permission(*bit));
        let atoms = self.roles.iter().enumerate().filter(|(atom, _)| bits.has_atom(*atom));
        let atoms = atoms.map(|(_, (role, own))| format!("{}{role}", if own.is_some() { '^' } else { '?' }));
        let administers = bits.is_administrator().then(|| "ADMIN".to_owned());
        permissions.map(|(_, name)| name.to_string()).chain(atoms).chain(administers).collect()
    }

    /// The number of a permission.
    #[must_use]
    pub fn find(&self, permission: &str) -> Option<usize> {
        self.ids.get(permission).copied()
    }

    /// The name of a permission.
    #[must_use]
    pub fn name(&self, permission: usize) -> &str {
        self.names.get(permission).map_or("", |n| n)
    }

    /// The catalogue.
    #[must_use]
    pub fn catalogue(&self) -> &'a Catalogue {
        self.catalogue
    }
}

/// The place of a role: what the catalogue says, or else how much it may do.
fn tier(role: &CatalogueRole) -> usize {
    role.tier.map_or_else(|| role.permissions.as_ref().map_or(0, Vec::len), |t| t as usize)
}
