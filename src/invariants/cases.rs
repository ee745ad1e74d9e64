//! Checks of one state on small directories, where a declaration cannot say what they look at.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::*;
use crate::model::{
    Catalogue, CatalogueRole, Change, GrantedRole, MemberRecord, PrincipalRecord, ResourceKind, Visibility,
};
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
        said(&Desired { catalogue: Arc::new(belonging(of_team)), ..desired(&text) })
    };
    for (role, member) in [(" role=edit", ""), ("", " role=edit")] {
        assert_eq!(said(role, member, "p/acme/x", true).len(), 1);
        assert_eq!(said(role, member, "p/x", true), Vec::<String>::new());
        assert_eq!(said(role, member, "p/other/x", true), Vec::<String>::new());
        assert_eq!(said(role, member, "p/other/x", false).len(), 1, "it reaches everything");
    }
}

/// The catalogue above, with resources that belong to teams or not.
fn belonging(of_team: bool) -> Catalogue {
    let mut bound = catalogue().as_ref().clone();
    bound.kinds.get_mut("p").unwrap().of_team = of_team;
    bound
}

#[test]
fn what_administers_does_so_from_within_a_team_as_well() {
    let text = "role boss! rule\nuser ada\nuser eve role=-\nteam acme\nteam other\nmember acme ada role=boss\n\
                member acme eve role=edit\nres p/other/x\ngrant p/other/x ada use\ngrant p/other/x eve use\n";
    let mut it = Desired { catalogue: Arc::new(belonging(true)), ..desired(text) };
    assert_eq!(
        said(&it),
        ["warning elevate-only: ada has use on p/other/x already: their role boss in team acme administers everything"]
    );
    let admins = it.directory.administrators();
    assert_eq!(admins.iter().map(|id| &*it.directory.user(*id).email).collect::<Vec<_>>(), ["ada"]);
    it.rules.admins_required = vec!["ada".into()];
    it.rules.settings.insert("elevate-only".to_owned(), Setting::Off);
    assert_eq!(said(&it), Vec::<String>::new());
    it.rules.admins_required = vec!["eve".into()];
    assert_eq!(said(&it), ["error admin-remains: eve must stay administrator and has no role"]);
}

#[test]
fn roles_that_exclude_each_other_meet_where_teams_reach() {
    let said = |text: &str, of_team: bool| {
        let mut it = Desired { catalogue: Arc::new(belonging(of_team)), ..desired(text) };
        it.rules.exclusive = vec![vec!["payer".into(), "approver".into()]];
        said(&it)
    };
    let roles = "role payer pay\nrole approver approve\nuser ada\nteam acme\nteam other\nres p/acme/x\n\
                 res p/other/y in=p/acme/x\nres p/other/z\n";
    let table: [(&str, &[&str], &[&str]); 6] = [
        // In two teams with nothing in common, but for what lies in the one and belongs to the other.
        ("member acme ada role=payer\nmember other ada role=approver\n", &[" on p/other/y"], &[""]),
        ("member acme ada role=payer\nuser bob\nmember other bob role=approver\n", &[], &[]),
        ("member acme ada role=payer\ngrant p/other/z ada approver\n", &[], &[" on p/other/z"]),
        ("member acme ada role=payer\ngrant p/other/y ada approver\n", &[" on p/other/y"], &[" on p/other/y"]),
        ("member other ada role=payer\ngrant p/acme/x ada approver\n", &[" on p/other/y"], &[" on p/acme/x"]),
        // In one team they meet on whatever comes to it.
        ("role boss! rule\nuser carl role=payer\nmember acme carl role=approver\n", &[" in team acme"], &[""]),
    ];
    for (more, bound, everywhere) in table {
        for (of_team, expected) in [(true, bound), (false, everywhere)] {
            let found = said(&format!("{roles}{more}"), of_team);
            let at = |m: &String| {
                let at = m.split("payer and approver").nth(1).or_else(|| m.split("approver and payer").nth(1));
                at.unwrap().split(',').next().unwrap().to_owned()
            };
            assert_eq!(found.iter().map(at).collect::<Vec<_>>(), expected, "{more} {of_team} {found:?}");
        }
    }
}

#[test]
fn who_applies_gives_no_more_than_their_team_reaches() {
    let live = crate::plan::testing::live(
        "role boss! rule\nuser ada\nuser eve\nuser ops\nteam acme\nteam in in=acme\nteam other role=edit\n\
         member acme ada role=edit\nmember in eve\nmember acme ops role=boss\nres p/acme/x\nres p/acme/in in=p/acme/x\n\
         res p/other/y\nres p/other/in in=p/acme/x\nres p/loose\n",
    );
    let grant = |on: &str| Change::GiveGrant {
        to: PrincipalRecord::User("eve".into()),
        resource: on.into(),
        roles: vec![GrantedRole { role: "use".into(), until: None, because: None }],
    };
    let member = |team: &str, role: &str| Change::AddMember {
        member: MemberRecord {
            team: team.into(),
            user: "eve".into(),
            role: Some(role.into()),
            until: None,
            because: None,
        },
    };
    let answer = |catalogue: &Catalogue, who: &str, changes: &[Change]| {
        no_escalation(&live, catalogue, Applier::Named(who), changes.iter()).map(|v| v.answer)
    };
    let renamed = [Change::RenameTeam { from: "acme".into(), to: "acorn".into() }, member("acorn", "use")];
    let (yes, no) = (Some(Answer::Holds), Some(Answer::Violated));
    let table: [(&[Change], _, _); 10] = [
        (&[grant("p/acme/x")], yes, yes),
        (&[grant("p/acme/new")], yes, yes),
        (&[grant("p/other/in")], yes, yes),
        (&[grant("p/other/y")], no, yes),
        (&[grant("p/loose")], no, yes),
        (&[member("acme", "use")], yes, yes),
        (&[member("other", "use")], no, yes),
        (&renamed, yes, yes),
        // What administers is no role of one team.
        (&[member("acme", "boss")], no, no),
        (&[member("acme", "use"), grant("p/other/y")], no, yes),
    ];
    for (changes, bound, everywhere) in table {
        assert_eq!(answer(&belonging(true), "ada", changes), bound, "{changes:?}");
        assert_eq!(answer(&belonging(false), "ada", changes), everywhere, "{changes:?}");
        assert_eq!(answer(&belonging(true), "ops", changes), yes, "{changes:?}");
    }
    // The table of a role counts no further than the role, and says what it gives away.
    let mut tables = belonging(true);
    tables.roles.get_mut("edit").unwrap().may_give = Some(vec!["use".into(), "admin".into()]);
    assert_eq!(answer(&tables, "ada", &[member("acme", "admin")]), no, "the live role `admin` administers");
    assert_eq!(answer(&tables, "ada", &[member("acme", "use")]), yes);
    assert_eq!(answer(&tables, "ada", &[member("other", "use")]), no);
    tables.roles.get_mut("edit").unwrap().may_give = Some(vec!["viewer".into(), "dev".into()]);
    let more = |changes: &[Change]| gives_more_than_own(&live, &tables, Applier::Named("ada"), changes.iter());
    assert_eq!(more(&[member("acme", "edit")]), None);
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
