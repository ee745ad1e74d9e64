//! Every kind of change: written, verified and read back.

use serde_json::json;

use super::*;

fn the_user(home: &Home, email: &str) -> UserRecord {
    let directory = home.read();
    directory.user_record(directory.find_user(email).unwrap())
}

fn the_team(home: &Home, name: &str) -> TeamRecord {
    let directory = home.read();
    directory.team_record(directory.find_team(name).unwrap())
}

fn the_roles(home: &Home, resource: &str) -> Vec<GrantRecord> {
    let directory = home.read();
    let id = directory.find_resource(resource).unwrap();
    directory.grants_on(id).iter().map(|g| directory.grant_record(g)).collect()
}

#[test]
fn roles() {
    let home = small();
    let before = role("viewer", &["read"]);
    let after = RoleRecord { description: Some("Looks".into()), administers: true, ..role("viewer", &["list", "see"]) };
    home.write(Change::UpdateRole { before, after: after.clone() });
    let directory = home.read();
    assert_eq!(directory.role_record(directory.find_role("viewer").unwrap()), after);
    let names: Vec<&str> = directory.permissions().iter().map(|p| &**p).collect();
    assert_eq!(names, ["list", "read", "see", "write"]);

    home.write(Change::DeleteRole { role: after, reason: Why::Undeclared });
    assert_eq!(home.read().permissions().len(), 2, "permissions that no role has are forgotten");
}

#[test]
fn a_user_with_everything() {
    let home = small();
    let full = UserRecord {
        name: Some("Grace Hopper".into()),
        kind: UserKind::Service,
        role: Some("viewer".into()),
        state: UserState::Disabled,
        until: Some(now().plus_days(30)),
        timezone: Some("Europe/Berlin".into()),
        owner: Some("ada@elsewhere.org".into()),
        attributes: [("region".into(), "west".into()), ("desk".into(), String::new())].into(),
        handles: [("github".into(), "grace-h".into())].into(),
        ..user("grace@acme.com")
    };
    home.write(Change::CreateUser { user: full.clone() });
    assert_eq!(the_user(&home, "grace@acme.com"), full);

    let after = UserRecord {
        role: Some("admin".into()),
        until: None,
        name: None,
        kind: UserKind::Contractor,
        attributes: [("region".into(), "east".into()), ("floor".into(), "2".into())].into(),
        handles: [("gitlab".into(), "grace".into())].into(),
        ..full.clone()
    };
    home.write(Change::UpdateUser { before: full, after: after.clone() });
    assert_eq!(the_user(&home, "grace@acme.com"), after);

    home.write(Change::RenameUser { from: "grace@acme.com".into(), to: "hopper@acme.com".into() });
    let renamed = UserRecord { email: "hopper@acme.com".into(), ..after };
    assert_eq!(the_user(&home, "hopper@acme.com"), renamed);
    home.write(Change::DeleteUser { user: renamed, reason: Why::Undeclared });
    assert_eq!(home.read().find_user("hopper@acme.com"), None);
}

#[test]
fn everything_that_is_kept_is_said() {
    let home = small();
    let directory = home.read();
    let ada = directory.user(directory.find_user("ada@acme.com").unwrap());
    assert_eq!((&ada.name, &ada.kind), (&Said::Nothing, &Said::Is(UserKind::Person)));
    assert_eq!((&ada.role, &ada.until, &ada.owner), (&Said::Nothing, &Said::Nothing, &Said::Nothing));
    let core = directory.team(directory.find_team("core").unwrap());
    assert_eq!((&core.leads, &core.outer, &core.quota), (&Said::Nothing, &Said::Nothing, &Said::Nothing));
    let fraud = directory.resource(directory.find_resource("project/fraud").unwrap());
    assert_eq!((&fraud.parent, &fraud.visibility, &fraud.owner), (&Said::Nothing, &Said::Nothing, &Said::Nothing));
}

#[test]
fn disabling_and_enabling_gives_the_same_directory() {
    let home = small();
    home.write(Change::AddMember { member: member("core", "ada@acme.com") });
    home.write(Change::SetLeads { team: "core".into(), before: vec![], after: vec!["ada@acme.com".into()] });
    home.write(give(to_user("ada@acme.com"), "project/fraud", &["viewer"]));
    let before = home.read();
    home.write(Change::DisableUser { user: user("ada@acme.com"), reason: Why::Blocked { because: None } });
    let disabled = UserRecord { state: UserState::Disabled, ..user("ada@acme.com") };
    assert_eq!(the_user(&home, "ada@acme.com"), disabled);
    assert_eq!(home.read().memberships(), before.memberships());
    home.write(Change::EnableUser { user: disabled });
    assert_eq!(home.read(), before);
}

#[test]
fn invitations_run_out_and_are_sent_again() {
    let home = small();
    let grace = UserRecord { role: Some("viewer".into()), ..user("grace@acme.com") };
    home.write(Change::InviteUser { user: grace.clone() });
    assert_eq!(the_user(&home, "grace@acme.com").state, UserState::Invited);

    let later = now().plus_days(15);
    let reader = DirectoryReader::new(home.path(), later);
    let directory = wait(reader.read()).unwrap().directory;
    let found = directory.user_record(directory.find_user("grace@acme.com").unwrap());
    assert_eq!(found, UserRecord { state: UserState::InvitationExpired, ..grace.clone() });

    let writer = DirectoryWriter::open(home.path(), later, 14).unwrap();
    let again = Change::InviteUser { user: grace.clone() };
    assert!(!wait(writer.verify(&again)).unwrap());
    let invite = Stamp { at: later, ..stamp() };
    assert!(matches!(wait(home.writer.write(&again, &stamp())), Err(TargetError::Conflict(_))));
    wait(writer.write(&again, &invite)).unwrap();
    assert!(wait(writer.verify(&again)).unwrap());
    let directory = wait(reader.read()).unwrap().directory;
    assert_eq!(directory.user(directory.find_user("grace@acme.com").unwrap()).state, UserState::Invited);

    let invited = UserRecord { state: UserState::Invited, ..grace };
    assert!(matches!(home.try_write(&Change::EnableUser { user: invited.clone() }), Err(TargetError::Refused(_))));
    home.write(Change::DisableUser { user: invited, reason: Why::Declared });
}

#[test]
fn teams_and_leads() {
    let home = small();
    let quota = QuotaRecord { cpu: Some(64), memory: Some(Bytes(1 << 38)), apps: Some(20), ..QuotaRecord::default() };
    let after = TeamRecord {
        description: Some("Keeps the lights on".into()),
        role: Some("viewer".into()),
        quota: Some(quota),
        ..team("core")
    };
    home.write(Change::UpdateTeam { before: team("core"), after: after.clone() });
    assert_eq!(the_team(&home, "core"), after);

    let leads = |before: &[&str], after: &[&str]| Change::SetLeads {
        team: "core".into(),
        before: before.iter().map(|l| (*l).to_owned()).collect(),
        after: after.iter().map(|l| (*l).to_owned()).collect(),
    };
    home.write(leads(&[], &["ada@acme.com", "bob@acme.com"]));
    home.write(leads(&["ada@acme.com", "bob@acme.com"], &["bob@acme.com", "eve@acme.com"]));
    assert_eq!(the_team(&home, "core").leads, ["bob@acme.com", "eve@acme.com"]);

    // The leads are none of the business of an update, nor empty quotas a difference.
    let nothing = TeamRecord { quota: Some(QuotaRecord::default()), ..team("core") };
    home.write(Change::UpdateTeam { before: after, after: nothing });
    assert_eq!(the_team(&home, "core").quota, None);

    home.write(Change::RenameTeam { from: "core".into(), to: "centre".into() });
    assert_eq!(the_team(&home, "crew").outer.as_deref(), Some("centre"));
    let crew = TeamRecord { outer: Some("centre".into()), ..team("crew") };
    home.write(Change::DeleteTeam { team: crew, reason: Why::Undeclared });
    home.write(Change::DeleteTeam { team: the_team(&home, "centre"), reason: Why::Undeclared });
    assert!(home.read().teams().is_empty());
}

#[test]
fn memberships() {
    let home = small();
    let first = MemberRecord {
        role: Some("viewer".into()),
        until: Some(now()),
        because: Some("SEC-1".into()),
        ..member("core", "ada@acme.com")
    };
    home.write(Change::AddMember { member: first.clone() });
    let directory = home.read();
    assert_eq!(directory.member_record(&directory.memberships()[0]), first);
    let second = MemberRecord { because: Some("SEC-2".into()), ..member("core", "ada@acme.com") };
    home.write(Change::ChangeMember { before: first, after: second.clone() });
    let directory = home.read();
    assert_eq!(directory.member_record(&directory.memberships()[0]), second);
    home.write(Change::RemoveMember { member: second, reason: Why::Undeclared });
    assert!(home.read().memberships().is_empty());
}

#[test]
fn resources() {
    let home = small();
    let after = ResourceRecord {
        description: Some("Fraud".into()),
        visibility: Some(Visibility::Restricted),
        owner: Some("ada@acme.com".into()),
        ..resource("project/fraud")
    };
    home.write(Change::UpdateResource { before: resource("project/fraud"), after: after.clone() });
    home.write(Change::RenameResource { from: "project/fraud".into(), to: "project/risk".into() });
    let directory = home.read();
    let renamed = ResourceRecord { name: "project/risk".into(), ..after };
    assert_eq!(directory.resource_record(directory.find_resource("project/risk").unwrap()), renamed);
    let inner = directory.resource_record(directory.find_resource("workspace/dev").unwrap());
    assert_eq!(inner.parent.as_deref(), Some("project/risk"));
    home.write(Change::DeleteResource { resource: inner, reason: Why::Undeclared });
    home.write(Change::DeleteResource { resource: renamed, reason: Why::Undeclared });
    assert!(home.read().resources().is_empty());
}

#[test]
fn grants_to_each_principal() {
    let home = small();
    for to in [to_user("ada@acme.com"), to_team("core"), PrincipalRecord::Everyone] {
        let resource = "project/fraud";
        let ends = GrantedRole { until: Some(now()), because: Some("SEC-142".into()), ..granted("viewer") };
        let both = vec![granted("admin"), granted("viewer")];
        let one = vec![ends.clone()];
        home.write(Change::GiveGrant { to: to.clone(), resource: resource.into(), roles: both.clone() });
        assert_eq!(the_roles(&home, resource).iter().filter(|g| g.to == to).count(), 2);
        home.write(Change::ChangeGrant { to: to.clone(), resource: resource.into(), before: both, after: one.clone() });
        let found = the_roles(&home, resource);
        assert_eq!((found.len(), &found[0].to, found[0].until), (1, &to, Some(now())));
        assert_eq!(found[0].because.as_deref(), Some("SEC-142"));
        home.write(Change::RevokeGrant { to, resource: resource.into(), roles: one, reason: Why::Undeclared });
        assert!(the_roles(&home, resource).is_empty());
    }
}

#[test]
fn domains_and_policies() {
    let home = small();
    let domain = DomainRecord { name: "acme.com".into(), role: Some("viewer".into()), teams: vec!["core".into()] };
    home.write(Change::AddDomain { domain: domain.clone() });
    let after = DomainRecord { role: None, teams: vec!["crew".into()], ..domain.clone() };
    home.write(Change::ChangeDomain { before: domain, after: after.clone() });
    assert_eq!(home.read().domain_record(DomainId(0)), after);
    home.write(Change::RemoveDomain { domain: after, reason: Why::Undeclared });

    let (one, two) = (json!({"require": "all", "grace": "7d"}), json!({"require": ["admin"]}));
    home.write(Change::SetPolicy { policy: PolicyKey::Mfa, before: None, after: one.clone() });
    home.write(Change::SetPolicy { policy: PolicyKey::Mfa, before: Some(one), after: two.clone() });
    assert_eq!(home.read().policies().get(&PolicyKey::Mfa), Some(&two));
    home.write(Change::UnsetPolicy { policy: PolicyKey::Mfa, before: two });
    assert!(home.read().policies().is_empty());
    assert!(home.read().domains().is_empty());
}

#[test]
fn two_users_swap_their_addresses_through_a_third() {
    let home = small();
    home.write(Change::AddMember { member: member("core", "ada@acme.com") });
    let rename = |from: &str, to: &str| Change::RenameUser { from: from.into(), to: to.into() };
    let error = home.try_write(&rename("ada@acme.com", "bob@acme.com")).unwrap_err();
    assert_eq!(error, TargetError::Conflict("user bob@acme.com is already there".into()));
    for (from, to) in
        [("ada@acme.com", "swap@acme.com"), ("bob@acme.com", "ada@acme.com"), ("swap@acme.com", "bob@acme.com")]
    {
        home.try_write(&rename(from, to)).unwrap();
    }
    let directory = home.read();
    assert_eq!(directory.member_record(&directory.memberships()[0]), member("core", "bob@acme.com"));
}

#[test]
fn every_change_leaves_a_row_in_the_audit_trail() {
    let home = small();
    let reason = Why::Blocked { because: Some("INC-77".into()) };
    home.write(Change::DisableUser { user: user("ada@acme.com"), reason });
    let sql = "SELECT at, actor, apply, digest, change, kind, object, reason, before ->> 'state', after ->> 'state' \
               FROM audit ORDER BY id DESC LIMIT 1";
    let row: Vec<String> = home
        .raw()
        .query_row(sql, [], |row| {
            let apply: i64 = row.get(2)?;
            let mut cells = vec![apply.to_string()];
            for i in [0, 1, 3, 4, 5, 6, 7, 8, 9] {
                cells.push(row.get(i)?);
            }
            Ok(cells)
        })
        .unwrap();
    let expected = [
        "7",
        "2026-11-21T12:00:00Z",
        "ada@build-7",
        "d1",
        "disable-user",
        "user",
        "ada@acme.com",
        "blocked: INC-77",
        "active",
        "disabled",
    ];
    assert_eq!(row, expected);
    assert!(home.raw().execute("DELETE FROM audit", []).is_err());
    let rows: i64 = home.raw().query_row("SELECT count(*) FROM audit", [], |row| row.get(0)).unwrap();
    assert_eq!(rows, 10, "a change that was refused leaves none");
}
