//! The roles of a target whose interface lists none: those of its catalogue.

use std::collections::BTreeMap;

use crate::model::{Builder, Catalogue, Role, RoleId, Said};

/// Puts the roles of a catalogue into a directory; their numbers by name.
pub fn known(build: &mut Builder<()>, catalogue: &Catalogue) -> BTreeMap<String, RoleId> {
    let mut numbers = BTreeMap::new();
    for (name, role) in &catalogue.roles {
        let permissions: Vec<usize> = role.permissions.iter().flatten().map(|p| build.permission(p)).collect();
        let role = Role {
            name: name.as_str().into(),
            description: role.description.as_deref().map_or(Said::Unsaid, |d| Said::Is(d.into())),
            permissions: permissions.into_iter().collect(),
            administers: role.administers,
        };
        numbers.insert(name.clone(), build.role(role, ()));
    }
    numbers
}
