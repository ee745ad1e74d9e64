//! How things of a target are called in the files.

use super::files::{Files, Item, Place};
use crate::config::edit::{Id, Tree, Value};
use crate::config::{Declaration, TargetDeclaration};
use crate::model::{DomainName, Email, PrincipalRecord};

/// The words of one target.
#[derive(Clone, Copy)]
pub(super) struct Words<'a> {
    pub declaration: &'a Declaration,
    pub target: &'a TargetDeclaration,
}

impl Words<'_> {
    fn several_targets(&self) -> bool {
        self.declaration.targets.len() > 1
    }

    /// How many targets declare a user.
    pub fn targets_of_user(&self, email: &str) -> usize {
        self.declaration.targets.iter().filter(|t| t.desired.directory.find_user(email).is_some()).count()
    }

    /// The name of a role, and the targets that it leads to beside this one.
    pub fn role(&self, native: &str) -> (String, bool) {
        let names = self.declaration.role_names.get(&self.target.name);
        let mapped: Vec<&String> =
            names.into_iter().flatten().filter(|(_, means)| *means == native).map(|(name, _)| name).collect();
        let elsewhere = |name: &String| {
            self.declaration.role_names.iter().any(|(t, names)| *t != self.target.name && names.contains_key(name))
        };
        let here: Vec<&&String> = mapped.iter().filter(|name| !elsewhere(name)).collect();
        match (here.as_slice(), mapped.as_slice()) {
            ([one], _) => (one.to_string(), false),
            ([], [one]) => ((*one).clone(), true),
            _ => {
                let taken = self.declaration.role_names.values().any(|names| names.contains_key(native));
                let bare = !self.several_targets() && !taken;
                (if bare { native.to_owned() } else { format!("{}:{native}", self.target.name) }, false)
            }
        }
    }

    /// The name of a role where nothing but this target is meant.
    pub fn role_here(&self, native: &str) -> String {
        let (name, _) = self.role(native);
        let taken = self.declaration.role_names.values().any(|names| names.contains_key(native));
        if self.bare(&name) == native && !taken { native.to_owned() } else { name }
    }

    /// The name of a role that leads to this target and no other.
    pub fn role_alone(&self, native: &str) -> String {
        match self.role(native) {
            (_, true) => format!("{}:{native}", self.target.name),
            (name, false) => name,
        }
    }

    /// Whether a name in a file means this role here.
    pub fn is_role(&self, text: &str, native: &str) -> bool {
        let names = self.declaration.role_names.get(&self.target.name);
        let canonical = |name: &str| {
            self.target.desired.catalogue.role(name).map_or_else(|| name.to_owned(), |(proper, _)| proper.to_owned())
        };
        match names.and_then(|n| n.get(text)) {
            Some(means) => means == native,
            None => canonical(self.bare(text)) == native,
        }
    }

    /// A name without this target or one of its labels before it.
    pub fn bare<'t>(&self, text: &'t str) -> &'t str {
        match text.split_once(':') {
            Some((prefix, rest)) if prefix == self.target.name || self.target.labels.iter().any(|l| l == prefix) => {
                rest
            }
            _ => text,
        }
    }

    pub fn is_user(&self, text: &str, email: &str) -> bool {
        let long = self.declaration.short_names.get(text).map_or(text, String::as_str);
        Email::parse(long).is_ok_and(|e| e.as_str() == email)
    }

    pub fn user_name(&self, email: &str) -> String {
        let mut short = self.declaration.short_names.iter().filter(|(_, long)| *long == email);
        short.next().map_or_else(|| email.to_owned(), |(short, _)| short.clone())
    }

    pub fn principal(&self, of: &PrincipalRecord) -> String {
        match of {
            PrincipalRecord::User(email) => self.user_name(email),
            other => other.to_string(),
        }
    }

    pub fn is_principal(&self, text: &str, of: &PrincipalRecord) -> bool {
        match of {
            PrincipalRecord::User(email) => self.is_user(text, email),
            PrincipalRecord::Team(name) => text.strip_prefix("team/").is_some_and(|t| self.bare(t) == name),
            PrincipalRecord::Everyone => text == "everyone",
        }
    }

    /// A name for a resource, with the target where others have its kind.
    pub fn resource(&self, name: &str) -> String {
        let kind = name.split('/').next().unwrap_or_default();
        let holders = self.declaration.targets.iter().filter(|t| t.desired.catalogue.kinds.contains_key(kind)).count();
        if holders > 1 { format!("{}:{name}", self.target.name) } else { name.to_owned() }
    }

    /// A name for a new team.
    pub fn team(&self, name: &str) -> String {
        if self.several_targets() { format!("{}:{name}", self.target.name) } else { name.to_owned() }
    }

    // ---- where things are declared ----

    pub fn user_at(&self, files: &mut Files, email: &str) -> Option<Place> {
        files.entries("users").into_iter().find(|p| {
            let long = p.tree.get(p.value, "email").and_then(|f| p.tree.value(f.value)).unwrap_or(p.name());
            Email::parse(long).is_ok_and(|e| e.as_str() == email)
        })
    }

    fn named(&self, files: &mut Files, section: &str, name: &str) -> Option<Place> {
        let all = files.entries(section);
        let prefixed = all.iter().find(|p| p.name() != self.bare(p.name()) && self.bare(p.name()) == name);
        prefixed.or_else(|| all.iter().find(|p| p.name() == name)).cloned()
    }

    pub fn team_at(&self, files: &mut Files, name: &str) -> Option<Place> {
        self.named(files, "teams", name)
    }

    pub fn resource_at(&self, files: &mut Files, name: &str) -> Option<Place> {
        self.named(files, "resources", name)
    }

    pub fn domain_at(&self, files: &mut Files, name: &str) -> Option<Place> {
        files.entries("domains").into_iter().find(|p| DomainName::parse(p.name()).is_ok_and(|d| d.as_str() == name))
    }

    /// The items of `grants:` that give this role, each with how many grants it stands for.
    pub fn grants_at(&self, files: &mut Files, to: &PrincipalRecord, resource: &str, role: &str) -> Vec<(Item, usize)> {
        let items = files.items("grants").into_iter();
        items
            .filter_map(|item| {
                let tree = &item.tree;
                let all = |key: &str| tree.get(item.value, key).map(|f| tree.several(f.value)).unwrap_or_default();
                let (tos, resources, roles) = (all("to"), all("resource"), all("role"));
                let has =
                    |list: &[Id], fits: &dyn Fn(&str) -> bool| list.iter().any(|i| tree.value(*i).is_some_and(fits));
                let fits = has(&tos, &|t| self.is_principal(t, to))
                    && has(&resources, &|r| self.bare(r) == resource)
                    && has(&roles, &|r| self.is_role(r, role));
                let count = tos.len() * resources.len() * roles.len();
                fits.then_some((item, count))
            })
            .collect()
    }

    /// Whether an item of a list of members is this user.
    pub fn is_member(&self, tree: &Tree, item: Id, email: &str) -> bool {
        let text = tree.get(item, "user").map_or_else(|| tree.value(item), |f| tree.value(f.value));
        text.is_some_and(|t| self.is_user(t, email))
    }

    /// Whether an item of a list of a user's teams is this team.
    pub fn is_team(&self, tree: &Tree, item: Id, name: &str) -> bool {
        let text = tree.get(item, "team").map_or_else(|| tree.value(item), |f| tree.value(f.value));
        text.is_some_and(|t| self.bare(t) == name)
    }

    /// Whether an item of a list of principals is this one.
    pub fn is_grantee(&self, tree: &Tree, item: Id, to: &PrincipalRecord) -> bool {
        let text = tree.get(item, "to").map_or_else(|| tree.value(item), |f| tree.value(f.value));
        text.is_some_and(|t| self.is_principal(t, to))
    }
}

/// A map of what is there.
pub(super) fn filled(entries: Vec<(&str, Option<Value>)>) -> Value {
    Value::Map(entries.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect())
}
