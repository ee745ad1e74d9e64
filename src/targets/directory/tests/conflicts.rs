//! Changes that do not start from what is there, and what the directory refuses.

use super::*;

fn conflict(home: &Home, change: Change) -> String {
    let before = home.read();
    match home.try_write(&change) {
        Err(TargetError::Conflict(text)) => {
            assert_eq!(home.read(), before);
            text
        }
        other => panic!("{change:?}: {other:?}"),
    }
}

fn refusal(home: &Home, change: Change) -> String {
    let before = home.read();
    match home.try_write(&change) {
        Err(TargetError::Refused(text)) => {
            assert_eq!(home.read(), before);
            text
        }
        other => panic!("{change:?}: {other:?}"),
    }
}

#[test]
fn a_conflict_names_the_object_the_field_and_both_values() {
    let home = small();
    let expected = UserRecord { role: Some("admin".into()), ..user("ada@acme.com") };
    let after = UserRecord { role: Some("viewer".into()), ..user("ada@acme.com") };
    let text = conflict(&home, Change::UpdateUser { before: expected.clone(), after });
    assert_eq!(text, "user ada@acme.com: role is nothing, expected \"admin\"");
    let text = conflict(&home, Change::DisableUser { user: expected, reason: Why::Declared });
    assert_eq!(text, "user ada@acme.com: role is nothing, expected \"admin\"");

    home.write(give(PrincipalRecord::Everyone, "project/fraud", &["viewer"]));
    let text = conflict(&home, give(PrincipalRecord::Everyone, "project/fraud", &["admin"]));
    assert!(text.starts_with("grant project/fraud everyone is [{\"role\":\"viewer\"}], expected []"), "{text}");

    let text =
        conflict(&home, Change::SetLeads { team: "core".into(), before: vec!["bob@acme.com".into()], after: vec![] });
    assert_eq!(text, "team core: its leads are nobody, expected bob@acme.com");

    let wrong = role("viewer", &["read", "fly"]);
    let text = conflict(&home, Change::DeleteRole { role: wrong, reason: Why::Undeclared });
    assert_eq!(text, "role viewer: permissions is [\"read\"], expected [\"fly\",\"read\"]");
    let wrong = ResourceRecord { owner: Some("bob@acme.com".into()), ..resource("project/fraud") };
    let text = conflict(&home, Change::UpdateResource { before: wrong, after: resource("project/fraud") });
    assert_eq!(text, "resource project/fraud: owner is nothing, expected \"bob@acme.com\"");
}

#[test]
fn what_is_there_is_not_made_again() {
    let home = small();
    assert_eq!(
        conflict(&home, Change::CreateUser { user: user("ada@acme.com") }),
        "user ada@acme.com is already there"
    );
    assert_eq!(
        conflict(&home, Change::InviteUser { user: user("ada@acme.com") }),
        "user ada@acme.com is already there, active"
    );
    let same = user("ada@acme.com");
    assert_eq!(
        conflict(&home, Change::UpdateUser { before: same.clone(), after: same }),
        "user ada@acme.com is already as it becomes"
    );
}

#[test]
fn what_is_not_there_is_gone() {
    let home = small();
    let gone = |change: Change| match home.try_write(&change) {
        Err(TargetError::Gone(text)) => text,
        other => panic!("{change:?}: {other:?}"),
    };
    let nobody = user("nobody@acme.com");
    assert_eq!(gone(Change::DisableUser { user: nobody, reason: Why::Declared }), "user nobody@acme.com is not there");
    assert_eq!(
        gone(Change::AddMember { member: member("core", "nobody@acme.com") }),
        "there is no user nobody@acme.com, which member core nobody@acme.com names"
    );
    assert_eq!(
        gone(give(to_team("none"), "project/fraud", &["viewer"])),
        "there is no team/none, which grant project/fraud team/none names"
    );
    let roles = vec![granted("viewer")];
    let revoke =
        Change::RevokeGrant { to: to_team("core"), resource: "project/fraud".into(), roles, reason: Why::Undeclared };
    assert_eq!(gone(revoke), "grant project/fraud team/core is not there");
    let lacks_role = UserRecord { role: Some("pilot".into()), ..user("new@acme.com") };
    gone(Change::CreateUser { user: lacks_role });
    assert_eq!(home.read().find_user("new@acme.com"), None, "nothing of a change that failed stays");
}

#[test]
fn addresses_are_kept_in_one_case() {
    let home = small();
    let text = refusal(&home, Change::CreateUser { user: user("Ada@acme.com") });
    assert!(text.contains("not in lower case"), "{text}");
    let rename = Change::RenameUser { from: "ada@acme.com".into(), to: "ADA@acme.com".into() };
    assert!(refusal(&home, rename).contains("not in lower case"));
    assert!(home.raw().execute("INSERT INTO users (email) VALUES ('Zoe@acme.com')", []).is_err());
}

#[test]
fn what_is_still_named_is_not_deleted() {
    let home = small();
    for email in ["ada@acme.com", "bob@acme.com", "eve@acme.com"] {
        home.write(Change::AddMember { member: member("core", email) });
    }
    home.write(give(to_team("core"), "project/fraud", &["viewer", "admin"]));
    let text = refusal(&home, Change::DeleteTeam { team: team("core"), reason: Why::Undeclared });
    assert!(text.starts_with("team core: still named by member ada@acme.com, member bob@acme.com, "), "{text}");
    assert!(text.contains("team crew in it"), "{text}");
    home.write(Change::CreateUser { user: user("max@acme.com") });
    home.write(Change::AddMember { member: member("core", "max@acme.com") });
    let text = refusal(&home, Change::DeleteTeam { team: team("core"), reason: Why::Undeclared });
    assert!(text.ends_with(" and 1 more"), "{text}");
    let text = refusal(&home, Change::DeleteUser { user: user("ada@acme.com"), reason: Why::Undeclared });
    assert_eq!(text, "user ada@acme.com: still named by member core");
    let text = refusal(&home, Change::DeleteRole { role: role("viewer", &["read"]), reason: Why::Undeclared });
    assert_eq!(text, "role viewer: still named by a grant on project/fraud");
    let fraud = resource("project/fraud");
    let text = refusal(&home, Change::DeleteResource { resource: fraud, reason: Why::Undeclared });
    assert!(text.contains("resource workspace/dev in it, the grant to team/core"), "{text}");
}

#[test]
fn nothing_lies_in_itself() {
    let home = small();
    let inside = TeamRecord { outer: Some("crew".into()), ..team("core") };
    let text = refusal(&home, Change::UpdateTeam { before: team("core"), after: inside });
    assert_eq!(text, "team core: in team crew it would lie in itself");
    let inside = ResourceRecord { parent: Some("workspace/dev".into()), ..resource("project/fraud") };
    let text = refusal(&home, Change::UpdateResource { before: resource("project/fraud"), after: inside });
    assert_eq!(text, "resource project/fraud: in resource workspace/dev it would lie in itself");
}

#[test]
fn what_cannot_be_kept_is_refused() {
    let home = small();
    let quota = Some(QuotaRecord { cpu: Some(u64::MAX), ..QuotaRecord::default() });
    assert!(refusal(&home, Change::CreateTeam { team: TeamRecord { quota, ..team("big") } }).contains("too large"));
    let names: Vec<String> = (0..=PERMISSIONS_MAX).map(|i| format!("p{i:03}")).collect();
    let many = RoleRecord { permissions: names, ..role("many", &[]) };
    assert!(refusal(&home, Change::CreateRole { role: many }).contains("at most 256"));
    assert!(refusal(&home, Change::CreateResource { resource: resource("fraud") }).contains("kind/name"));
    let led = TeamRecord { leads: vec!["ada@acme.com".into()], ..team("led") };
    assert!(refusal(&home, Change::CreateTeam { team: led }).contains("without leads"));
    let invited = UserRecord { state: UserState::Invited, ..user("new@acme.com") };
    refusal(&home, Change::CreateUser { user: invited });
    assert!(refusal(&home, give(to_team("core"), "project/fraud", &["viewer", "viewer"])).contains("twice"));
}

#[test]
fn a_lead_that_the_plan_does_not_know_of_is_a_conflict() {
    let home = small();
    home.write(Change::SetLeads { team: "crew".into(), before: vec![], after: vec!["ada@acme.com".into()] });
    let crew = TeamRecord { outer: Some("core".into()), ..team("crew") };
    conflict(&home, Change::DeleteTeam { team: crew, reason: Why::Undeclared });
}
