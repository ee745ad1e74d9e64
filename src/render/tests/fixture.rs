//! Plans made by hand, with something of everything.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::access::{AccessDifference, AccessEffect, AccessLine, AccessRisk, AccountChange, Through};
use crate::diagnostic::Location;
use crate::invariants::{Answer, Verdict};
use crate::model::{
    Bytes, Change, DomainRecord, GrantedRole, Kind, MemberRecord, Moment, ObjectRef, PolicyKey, PrincipalRecord,
    QuotaRecord, ResourceRecord, RoleRecord, Share, TeamRecord, UserKind, UserRecord, UserRemoval, UserState,
    Visibility, Why,
};
use crate::plan::{FORMAT, Judged, Limit, Note, Observed, Plan, Promise, Step, TargetPlan};
use crate::render::Style;

pub const NARROW: Style = Style { color: false, width: 60 };
pub const WIDE: Style = Style { color: false, width: 120 };
pub const COLOR: Style = Style { color: true, width: 100 };

pub fn day(text: &str) -> Option<Moment> {
    Some(Moment::parse(text).unwrap())
}

pub fn at(file: &str, line: u32) -> Option<Location> {
    Some(Location { file: file.to_owned(), line })
}

pub fn role(name: &str, permissions: &[&str]) -> RoleRecord {
    RoleRecord {
        name: name.to_owned(),
        permissions: permissions.iter().map(|p| (*p).to_owned()).collect(),
        administers: name == "admin",
        description: None,
    }
}

pub fn user(email: &str, role: &str) -> UserRecord {
    UserRecord { email: email.to_owned(), role: Some(role.to_owned()), ..UserRecord::default() }
}

pub fn team(name: &str) -> TeamRecord {
    TeamRecord { name: name.to_owned(), ..TeamRecord::default() }
}

pub fn member(team: &str, user: &str) -> MemberRecord {
    MemberRecord { team: team.to_owned(), user: user.to_owned(), ..MemberRecord::default() }
}

pub fn resource(name: &str) -> ResourceRecord {
    ResourceRecord { name: name.to_owned(), ..ResourceRecord::default() }
}

pub fn roles(names: &[&str]) -> Vec<GrantedRole> {
    names.iter().map(|n| GrantedRole { role: (*n).to_owned(), until: None, because: None }).collect()
}

pub fn ada() -> PrincipalRecord {
    PrincipalRecord::User("ada@acme.com".into())
}

/// A plan with these changes and nothing else.
pub fn target(name: &str, changes: Vec<(Change, Option<Location>)>) -> TargetPlan {
    let steps = changes.into_iter().zip(1..);
    TargetPlan {
        doubts: Vec::new(),
        approvals: Vec::new(),
        shrunk: BTreeMap::new(),
        forecast: None,
        target: name.to_owned(),
        provider: "directory".to_owned(),
        level: Promise::Enforced,
        access: AccessDifference::default(),
        steps: steps
            .map(|((change, declared), id)| Step { id, wave: 1, change, declared, after: Vec::new() })
            .collect(),
        observed: Vec::new(),
        drift: Vec::new(),
        along: Vec::new(),
        losses: Vec::new(),
        why_lost: None,
        pending: Vec::new(),
        expired_invitations: Vec::new(),
        notes: Vec::new(),
        removals: BTreeMap::new(),
        takeovers: BTreeMap::new(),
        left_alone: BTreeMap::new(),
        guards: Vec::new(),
        live: BTreeMap::new(),
        desired: BTreeMap::new(),
        touched: BTreeMap::new(),
        irreversible: Vec::new(),
        judged: Judged {
            settings: BTreeMap::new(),
            rules: Vec::new(),
            admins_at_least: 1,
            undeclared_users: UserRemoval::Disable,
            limits: BTreeMap::from([(Kind::User, Limit { count: 10, share: Share(5) })]),
        },
    }
}

pub fn plan(targets: Vec<TargetPlan>) -> Plan {
    Plan {
        format: FORMAT.to_owned(),
        digest: format!("sha256:4f1c92ab{}", "0".repeat(56)),
        rolecall: "0.1.0".to_owned(),
        commit: None,
        since: None,
        between: None,
        consents: Vec::new(),
        guards: Vec::new(),
        targets,
        unread: Vec::new(),
    }
}

fn touched(roles: &[RoleRecord], teams: &[TeamRecord]) -> BTreeMap<String, Value> {
    let roles = roles.iter().map(|r| (ObjectRef::role(&r.name).to_string(), json!(r)));
    let teams = teams.iter().map(|t| (ObjectRef::team(&t.name).to_string(), json!(t)));
    roles.chain(teams).collect()
}

/// Every kind of change once.
pub fn every_change() -> Vec<Change> {
    let grace = user("grace@acme.com", "viewer");
    let platform = TeamRecord { leads: vec!["ada@acme.com".into()], ..team("platform") };
    let fraud = ResourceRecord {
        description: Some("Finds fraud.".into()),
        visibility: Some(Visibility::Restricted),
        owner: Some("ada@acme.com".into()),
        ..resource("project/fraud")
    };
    let long = "What this role is for takes a good many words, more than fit into one line of a terminal.";
    vec![
        Change::CreateRole { role: RoleRecord { description: Some(long.into()), ..role("analyst", &["read", "use"]) } },
        Change::UpdateRole {
            before: role("viewer", &["read"]),
            after: RoleRecord { description: Some(long.into()), ..role("viewer", &["read", "list"]) },
        },
        Change::DeleteRole { role: role("old", &[]), reason: Why::Undeclared },
        Change::CreateUser {
            user: UserRecord {
                name: Some("Loader".into()),
                kind: UserKind::Service,
                owner: Some("ada@acme.com".into()),
                until: day("2027-06-30"),
                timezone: Some("Europe/Berlin".into()),
                attributes: BTreeMap::from([("region".into(), "west".into())]),
                handles: BTreeMap::from([("github".into(), "acme-loader".into())]),
                ..user("loader@acme.com", "developer")
            },
        },
        Change::InviteUser { user: user("emmy@acme.com", "developer") },
        Change::UpdateUser {
            before: grace.clone(),
            after: UserRecord {
                role: Some("developer".into()),
                until: day("2027-01-31"),
                name: Some("Grace Hopper".into()),
                attributes: BTreeMap::from([("region".into(), "west".into())]),
                ..grace.clone()
            },
        },
        Change::RenameUser { from: "kurt@acme.com".into(), to: "kurt.g@acme.com".into() },
        Change::EnableUser { user: UserRecord { state: UserState::Disabled, ..user("sofia@acme.com", "admin") } },
        Change::DisableUser {
            user: user("alan@acme.com", "admin"),
            reason: Why::Blocked { because: Some("INC-77".into()) },
        },
        Change::DeleteUser { user: user("bob@acme.com", "viewer"), reason: Why::Undeclared },
        Change::CreateTeam {
            team: TeamRecord {
                description: Some("Keeps the lights on.".into()),
                role: Some("viewer".into()),
                outer: Some("platform".into()),
                quota: Some(QuotaRecord {
                    cpu: Some(64),
                    memory: Some(Bytes(256 << 30)),
                    apps: Some(20),
                    ..QuotaRecord::default()
                }),
                ..team("night-shift")
            },
        },
        Change::UpdateTeam { before: platform.clone(), after: TeamRecord { role: Some("admin".into()), ..platform } },
        Change::RenameTeam { from: "data".into(), to: "data-platform".into() },
        Change::DeleteTeam { team: team("empty"), reason: Why::Undeclared },
        Change::SetLeads {
            team: "platform".into(),
            before: vec!["ada@acme.com".into()],
            after: vec!["emmy@acme.com".into(), "grace@acme.com".into()],
        },
        Change::AddMember {
            member: MemberRecord {
                role: Some("maintainer".into()),
                until: day("2027-01-31"),
                because: Some("covers for Ada".into()),
                ..member("platform", "emmy@acme.com")
            },
        },
        Change::ChangeMember {
            before: member("data", "grace@acme.com"),
            after: MemberRecord { until: day("2027-01-31"), ..member("data", "grace@acme.com") },
        },
        Change::RemoveMember {
            member: member("empty", "bob@acme.com"),
            reason: Why::Goes { with: ObjectRef::team("empty") },
        },
        Change::CreateResource { resource: fraud.clone() },
        Change::UpdateResource {
            before: fraud.clone(),
            after: ResourceRecord {
                parent: Some("project/risk".into()),
                visibility: Some(Visibility::Everyone),
                owner: Some("emmy@acme.com".into()),
                ..fraud
            },
        },
        Change::RenameResource { from: "project/a".into(), to: "project/b".into() },
        Change::DeleteResource { resource: resource("workspace/old"), reason: Why::Undeclared },
        Change::GiveGrant {
            to: PrincipalRecord::Team("platform".into()),
            resource: "project/fraud".into(),
            roles: vec![GrantedRole {
                role: "edit".into(),
                until: day("2027-01-31"),
                because: Some("SEC-142:\n  incident review".into()),
            }],
        },
        Change::ChangeGrant {
            to: PrincipalRecord::Everyone,
            resource: "document/handbook".into(),
            before: roles(&["view"]),
            after: roles(&["edit", "view"]),
        },
        Change::RevokeGrant {
            to: PrincipalRecord::User("grace@acme.com".into()),
            resource: "data-source/warehouse".into(),
            roles: vec![GrantedRole { role: "use".into(), until: day("2026-10-31"), because: None }],
            reason: Why::Expired { until: day("2026-10-31").unwrap() },
        },
        Change::AddDomain {
            domain: DomainRecord { name: "acme.com".into(), role: Some("viewer".into()), teams: vec!["data".into()] },
        },
        Change::ChangeDomain {
            before: DomainRecord { name: "acme.org".into(), role: Some("viewer".into()), teams: Vec::new() },
            after: DomainRecord { name: "acme.org".into(), role: Some("admin".into()), teams: Vec::new() },
        },
        Change::RemoveDomain {
            domain: DomainRecord { name: "old.org".into(), role: Some("viewer".into()), teams: Vec::new() },
            reason: Why::Undeclared,
        },
        Change::SetPolicy {
            policy: PolicyKey::Mfa,
            before: Some(json!({"require": "admins", "grace_days": 14, "methods": ["totp", "key"]})),
            after: json!({"require": "all", "grace_days": 7, "methods": ["totp", "key"]}),
        },
        Change::SetPolicy { policy: PolicyKey::Passwords, before: None, after: json!({"min_length": 14}) },
        Change::UnsetPolicy { policy: PolicyKey::Review, before: json!({"every_days": 90}) },
    ]
}

/// A plan with every change, and with everything that can be said besides.
pub fn rich() -> Plan {
    let placed = every_change().into_iter().zip(1..).map(|(change, line)| {
        let undeclared = matches!(change.reason(), Some(Why::Undeclared | Why::Goes { .. }));
        (change, if undeclared { None } else { at("people.yaml", line) })
    });
    let mut one = target("home", placed.collect());
    one.touched = touched(
        &[role("viewer", &["read"]), role("developer", &["read", "write"]), role("admin", &["all"])],
        &[team("platform"), TeamRecord { role: Some("viewer".into()), ..team("data") }],
    );
    one.access = access();
    one.observed = vec![Observed {
        change: Change::AddMember { member: member("data", "ada@acme.com") },
        declared: at("teams.yaml", 4),
    }];
    one.pending = vec!["emmy@acme.com".into(), "noether@acme.com".into()];
    one.expired_invitations = vec!["late@acme.com".into()];
    one.notes = vec![
        Note { rule: None, message: "role `old` is not declared and stays".into(), help: None, declared: None },
        Note {
            rule: Some("rename-done".into()),
            message: "user `kurt` has its new name: `was: k` can go".into(),
            help: Some("remove `was: k`".into()),
            declared: at("people.yaml", 9),
        },
    ];
    one.left_alone = BTreeMap::from([(Kind::User, 1), (Kind::Grant, 1_203), (Kind::Team, 0)]);
    one.guards = vec![
        Verdict::new("admin-remains", Answer::Holds, "3 active administrators at the end, never fewer than 2"),
        Verdict::new("blast-radius", Answer::Holds, "1 user of 87 removed, at most 10 pass"),
        Verdict::new("blast-radius", Answer::Holds, "1 grant of 40 removed, at most 10 pass"),
        Verdict::new("change-in-place", Answer::Holds, "every role is changed in one step"),
    ];
    plan(vec![one])
}

/// A plan that rules forbid.
pub fn blocked() -> Plan {
    let gone = |n: u32| Change::RemoveMember {
        member: member("platform", &format!("user{n:02}@acme.com")),
        reason: Why::Undeclared,
    };
    let mut one = target("home", (1..=12).map(|n| (gone(n), None)).collect());
    one.takeovers =
        BTreeMap::from([(Kind::Member, (1..=42).map(|n| format!("user{n:02}@acme.com in platform")).collect())]);
    one.guards = vec![
        Verdict::new("admin-remains", Answer::Unknown, "who administers this target cannot be known")
            .help("mark the role of its administrators with `administers: true`"),
        Verdict::new("blast-radius", Answer::Violated, "12 members of 50 removed, at most 10 pass without a consent")
            .help("if that is meant, say so: --accept removal.member=12"),
        Verdict::new("change-in-place", Answer::Holds, "every role is changed in one step"),
    ];
    let mut all = plan(vec![one, target("dbt", Vec::new())]);
    all.consents = vec!["removal.member=9".parse().unwrap()];
    all.guards = vec![
        Verdict::new(
            "consent-mismatch",
            Answer::Violated,
            "`--accept removal.member=9` does not name the number of this plan, which is 12",
        )
        .help("look at the plan once more; if it is right, say --accept removal.member=12"),
    ];
    all
}

/// A line about these people, these resources (or everything) and these permissions.
pub fn line(effect: AccessEffect, risk: AccessRisk, who: &[&str], on: &[&str], permissions: &[&str]) -> AccessLine {
    let owned = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<String>>();
    AccessLine {
        effect,
        risk,
        people: who.len(),
        who: owned(who),
        resources: on.len(),
        on: owned(on),
        scattered: false,
        administrator: risk == AccessRisk::Administrator,
        permissions: owned(permissions),
        unpublished: Vec::new(),
        through: Vec::new(),
        formerly: Vec::new(),
        but_on: Vec::new(),
        account: None,
        pending: false,
        accounts: UserKind::Person,
    }
}

/// A difference with a line of every sort.
pub fn access() -> AccessDifference {
    use AccessEffect::{Gains, Loses, Path};
    use AccessRisk::{Administrator, Read, Write};
    let team = |team: &str, role: &str| Through::TeamGrant { team: team.into(), role: role.into() };
    let dozen: Vec<String> = (1..=12).map(|n| format!("person{n:02}@acme.com")).collect();
    let dozen: Vec<&str> = dozen.iter().map(String::as_str).collect();
    let many: Vec<String> = (1..=14).map(|n| format!("project/{n:02}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let (emmy, eve) = ("emmy@acme.com", "eve@acme.com");
    let viewer = || Through::OwnRole { role: "viewer".into() };
    let lines = vec![
        AccessLine {
            through: vec![Through::Team { team: "platform".into(), role: "admin".into() }],
            pending: true,
            account: Some(AccountChange::Invited),
            ..line(Gains, Administrator, &[emmy], &[], &[])
        },
        AccessLine {
            formerly: vec![Through::OwnRole { role: "admin".into() }],
            account: Some(AccountChange::Disabled),
            but_on: vec!["project/fraud".into()],
            ..line(Loses, Administrator, &["alan@acme.com"], &[], &[])
        },
        AccessLine {
            through: vec![team("data-platform", "edit")],
            ..line(Gains, Write, &dozen, &["project/fraud"], &["edit", "use"])
        },
        AccessLine {
            through: vec![viewer()],
            account: Some(AccountChange::Created),
            ..line(Gains, Write, &[eve], &[], &["a", "b", "c", "d", "e"])
        },
        AccessLine {
            through: vec![team("x", "edit"), team("y", "edit")],
            account: Some(AccountChange::Created),
            ..line(Gains, Write, &[eve], &many, &["edit", "use"])
        },
        AccessLine {
            through: vec![Through::OwnGrant { role: "deploy".into() }],
            accounts: UserKind::Service,
            unpublished: vec!["deploy".into()],
            ..line(Gains, Write, &["loader@acme.com"], &["workspace/etl"], &[])
        },
        AccessLine {
            formerly: vec![Through::RoleEdit { role: "viewer".into() }],
            but_on: vec!["document/handbook".into()],
            ..line(Loses, Write, &["ada@acme.com", "bob@acme.com"], &[], &["comment"])
        },
        AccessLine {
            through: vec![Through::Visibility],
            ..line(Gains, Read, &dozen, &["document/handbook"], &["read"])
        },
        AccessLine {
            through: vec![team("b", "edit")],
            formerly: vec![team("a", "edit")],
            ..line(Path, Write, &["grace@acme.com"], &["project/fraud"], &[])
        },
        AccessLine {
            through: vec![Through::Ownership],
            ..line(Path, Write, &["ada@acme.com"], &["project/fraud"], &[])
        },
        AccessLine { formerly: vec![Through::Everyone { role: "use".into() }], ..line(Path, Read, &dozen, &many, &[]) },
    ];
    AccessDifference { gain: 15, lose: 3, path: 2, pending: 1, lines, left_out: 0, without_effect: vec![1, 15] }
}
