//! `visibility-agrees`: a visibility and the grants beside it say the same.

use super::{Breach, Place, RuleInfo, Scope, Subject};
use crate::diagnostic::Code;
use crate::model::{Principal, Resource, RoleId, Visibility};

/// The rule.
pub const RULE: RuleInfo = RuleInfo {
    code: Code::VisibilityAgrees,
    statement: "a `private` resource has no grants, and one that `everyone` sees has none that give no more than that",
    source: "Strongly, data sources: private, all users or specific ones, of which only the last has a list",
    optional: true,
    scope: Scope::File,
    example: "resources:\n\
              \x20 data-source/warehouse: {visibility: private, access: {use: [ada@acme.com]}}",
    fix: "Say `visibility: restricted` where the grants are meant, or remove the grants where the visibility is.",
};

/// Finds the grants that the visibility of their resource contradicts.
#[must_use]
pub(super) fn visibility_agrees(subject: &Subject<'_>) -> Vec<Breach> {
    let directory = subject.directory;
    let mut breaches = Vec::new();
    for (number, grant) in directory.grants().iter().enumerate() {
        let resource = directory.resource(grant.resource);
        let visibility = resource.visibility.value().copied();
        let role = &directory.role(grant.role).name;
        let to = directory.principal_record(grant.principal);
        let name = &resource.name;
        let (message, help) = match visibility {
            Some(Visibility::Private) => (
                format!("{name} is private, and {role} is granted on it to {to}"),
                "say `visibility: restricted`, or remove the grant: only the owner and administrators reach what is private",
            ),
            Some(Visibility::Everyone)
                if grant.principal != Principal::Everyone && is_within(subject, resource, grant.role) =>
            {
                (
                    format!("everyone has {role} on {name}, so granting it to {to} changes nothing"),
                    "say `visibility: restricted`, or remove the grant: it does not keep the others out",
                )
            }
            _ => continue,
        };
        breaches.push(
            Breach::new(&RULE, Place::Grant(number), message)
                .labelled("this grant")
                .also(Place::Resource(grant.resource), format!("its visibility is `{}`", word(visibility)))
                .help(help)
                .keyed(format!("{name} {to} {role}"), 1),
        );
    }
    breaches
}

fn word(visibility: Option<Visibility>) -> &'static str {
    match visibility {
        Some(Visibility::Private) => "private",
        Some(Visibility::Restricted) => "restricted",
        Some(Visibility::Everyone) => "everyone",
        None => "not said",
    }
}

/// Whether a role gives no more than everyone has. Where the catalogue does not say what that is, only
/// the least role of the kind is known to be within it.
fn is_within(subject: &Subject<'_>, resource: &Resource, role: RoleId) -> bool {
    let Some(kind) = subject.catalogue.kinds.get(resource.kind()) else { return false };
    let directory = subject.directory;
    let permissions = directory.role(role).permissions;
    let at_most = |name: &str| {
        directory.find_role(name).is_some_and(|other| {
            let other_permissions = directory.role(other).permissions;
            other == role || (!permissions.is_empty() && permissions.is_subset(&other_permissions))
        })
    };
    match &kind.everyone {
        Some(everyone) => at_most(everyone),
        None => !kind.roles.is_empty() && kind.roles.iter().all(|other| at_most(other)),
    }
}
