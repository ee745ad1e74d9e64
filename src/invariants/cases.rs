//! Checks of one state on small directories, where a declaration cannot say what they look at.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::*;
use crate::model::{Catalogue, CatalogueRole, ResourceKind, Visibility};
use crate::plan::testing::{desired, everything, read, today};

fn said(desired: &Desired<()>) -> Vec<String> {
    let found = breaches(&Subject::declared(desired, today()));
    found.iter().map(|(b, severity)| format!("{} {}: {}", severity.word(), b.rule.name(), b.message)).collect()
}

fn role(permissions: &[&str]) -> CatalogueRole {
    let permissions = permissions.iter().map(|p| (*p).to_owned()).collect();
    CatalogueRole { permissions: Some(permissions), ..CatalogueRole::default() }
}

/// A catalogue in which a viewer is capped at `use`, owners have `edit`, and everyone has `use` on what
/// everyone sees.
fn catalogue() -> Arc<Catalogue> {
    let viewer = CatalogueRole { caps_at: Some("use".to_owned()), seat: Some("read".to_owned()), ..role(&[]) };
    let admin = CatalogueRole { seat: Some("paid".to_owned()), ..role(&["edit", "rule", "use"]) };
    let kind = ResourceKind {
        roles: vec!["use".to_owned(), "edit".to_owned()],
        owner: Some("edit".to_owned()),
        everyone: Some("use".to_owned()),
        ..ResourceKind::default()
    };
    let roles = [("admin", admin), ("viewer", viewer), ("use", role(&["use"])), ("edit", role(&["edit", "use"]))];
    Arc::new(Catalogue {
        roles: roles.into_iter().map(|(name, role)| (name.to_owned(), role)).collect(),
        kinds: BTreeMap::from([("p".to_owned(), kind)]),
        ..Catalogue::default()
    })
}

fn wanted(text: &str) -> Desired<()> {
    Desired { catalogue: catalogue(), ..desired(text) }
}

#[test]
fn a_cap_bounds_what_a_grant_gives() {
    assert_eq!(
        said(&wanted("user ada role=viewer\nres p/x\ngrant p/x ada edit\n")),
        ["note elevate-only: edit for ada on p/x gives no more than use: the role viewer caps it"]
    );
    assert_eq!(
        said(&wanted(
            "user ada role=viewer\nteam t\nmember t ada\nres p/x\ngrant p/x ada edit\ngrant p/x team/t use\n"
        )),
        ["warning elevate-only: ada has use on p/x already, and edit gives no more, because the role viewer caps it: \
          team t, which they belong to, is given use"]
    );
    assert!(said(&wanted("user ada\nres p/x\ngrant p/x ada edit\n")).is_empty());
}

#[test]
fn owners_and_everyone_have_what_the_catalogue_says() {
    assert_eq!(
        said(&wanted("user ada\nres p/x owner=ada\nres p/y in=p/x\ngrant p/x ada use\ngrant p/y ada edit\n")),
        [
            "warning elevate-only: ada has use on p/x already: they own it, and its owner has edit",
            "warning inherited-not-repeated: ada has edit on p/y already: it lies in p/x, which they own, and its \
             owner has edit",
        ]
    );
    let (mut directory, origins) = read("user ada\nuser bob\nres p/x\ngrant p/x ada use\ngrant p/x bob edit\n", false);
    let mut builder = crate::model::Builder::new();
    // The words for tests have no visibility.
    for (index, role) in directory.roles().iter().enumerate() {
        let record = directory.role_record(crate::model::RoleId(index as u32));
        let permissions = record.permissions.iter().map(|p| builder.permission(p)).collect();
        builder.role(crate::model::Role { permissions, ..role.clone() }, ());
    }
    for user in directory.users() {
        builder.user(user.clone(), ());
    }
    for resource in directory.resources() {
        let visibility = crate::model::Said::Is(Visibility::Everyone);
        builder.resource(crate::model::Resource { visibility, ..resource.clone() }, ());
    }
    directory.grants().iter().for_each(|g| builder.grant(*g, ()));
    directory = builder.finish().unwrap().0;
    let wanted = Desired { catalogue: catalogue(), ..everything((directory, origins)) };
    assert_eq!(
        said(&wanted),
        ["warning visibility-agrees: everyone has use on p/x, so granting it to ada changes nothing"]
    );
}

#[test]
fn seats_are_counted_by_class() {
    let people = "user ada role=admin\nuser bob role=admin state=invited\nuser cleo role=admin state=disabled\n\
                  user dora role=viewer\n";
    let mut two = wanted(people);
    two.rules.seats = BTreeMap::from([("paid".to_owned(), 2), ("read".to_owned(), 1)]);
    assert!(said(&two).is_empty());
    two.rules.seats.insert("paid".to_owned(), 1);
    assert_eq!(said(&two), ["error seats-fit: 2 users need a seat of the class `paid`, and there is 1: ada, bob"]);
    two.rules.settings.insert("seats-fit".to_owned(), Setting::Warn);
    assert_eq!(errors(&Subject::declared(&two, today())).len(), 0);
    assert_eq!(said(&two).len(), 1);
    two.rules.settings.insert("seats-fit".to_owned(), Setting::Off);
    assert!(said(&two).is_empty());
}

#[test]
fn what_is_not_published_is_covered_by_itself_alone() {
    // `viewer` has no permissions here, so nothing is known to be above it.
    assert!(
        said(&desired("user ada\nteam t\nmember t ada\nres p/x\ngrant p/x ada viewer\ngrant p/x team/t edit\n"))
            .is_empty()
    );
    assert_eq!(
        said(&desired("user ada\nteam t\nmember t ada\nres p/x\ngrant p/x ada viewer\ngrant p/x team/t viewer\n"))
            .len(),
        1
    );
}

#[test]
fn a_role_in_a_team_reaches_what_belongs_to_it() {
    let said = |role: &str, member: &str, resource: &str, of_team: bool| {
        let text = format!(
            "user ada\nteam acme{role}\nteam other\nmember acme ada{member}\nres {resource}\ngrant {resource} ada use\n"
        );
        let mut bound = catalogue().as_ref().clone();
        bound.kinds.get_mut("p").unwrap().of_team = of_team;
        said(&Desired { catalogue: Arc::new(bound), ..desired(&text) })
    };
    for (role, member) in [(" role=edit", ""), ("", " role=edit")] {
        assert_eq!(said(role, member, "p/acme/x", true).len(), 1);
        assert_eq!(said(role, member, "p/x", true), Vec::<String>::new());
        assert_eq!(said(role, member, "p/other/x", true), Vec::<String>::new());
        assert_eq!(said(role, member, "p/other/x", false).len(), 1, "it reaches everything");
    }
}

#[test]
fn not_optional_rules_are_not_set() {
    let mut rules = Rules::default();
    for rule in &RULES {
        rules.settings.insert(rule.name().to_owned(), Setting::Off);
    }
    let kept: Vec<&str> = RULES.iter().filter(|r| r.severity_under(&rules).is_some()).map(RuleInfo::name).collect();
    assert_eq!(kept, RULES.iter().filter(|r| !r.optional).map(RuleInfo::name).collect::<Vec<_>>());
    assert!(kept.contains(&"admin-remains") && !kept.contains(&"elevate-only"));
}
