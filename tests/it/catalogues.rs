//! The built-in role catalogues against the fact sheets. The tables here were written from the sheets
//! and the pages that they cite, not from the catalogues.

use rolecall::config::builtin_catalogue;
use rolecall::model::{Catalogue, Combine, Place, Standing};
use rolecall::targets::PROFILES;

fn builtin(name: &str) -> Catalogue {
    builtin_catalogue(&PROFILES, name).unwrap_or_else(|| panic!("{name} has findings"))
}

fn sorted(names: &[&str]) -> Vec<String> {
    let mut names: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
    names.sort();
    names
}

/// What a role may do, sorted.
fn may(catalogue: &Catalogue, role: &str) -> Vec<String> {
    catalogue.roles[role].permissions.clone().unwrap_or_else(|| panic!("{role} is not published"))
}

/// The roles that a role may give, sorted.
fn gives(catalogue: &Catalogue, role: &str) -> Option<Vec<String>> {
    catalogue.roles[role].may_give.clone().map(|mut list| {
        list.sort();
        list
    })
}

#[test]
fn every_catalogue_is_sound_and_names_its_source() {
    let names: Vec<&str> = PROFILES.catalogues.iter().map(|(n, _)| *n).collect();
    assert_eq!(names, ["strongly", "paradime", "paradime-standard", "omni", "terminusdb", "terminusdb-hosted", "scim"]);
    for name in names {
        let catalogue = builtin(name);
        assert_eq!(catalogue.name, name);
        assert!(catalogue.source.as_ref().is_some_and(|s| !s.is_empty()), "{name}");
        assert!(catalogue.description.as_ref().is_some_and(|s| !s.is_empty()), "{name}");
        for (role, facts) in &catalogue.roles {
            assert!(facts.description.is_some(), "{name}: {role}");
            // What is left open says why.
            assert!(facts.permissions.is_some() || facts.inferred.is_some(), "{name}: {role}");
        }
    }
    for profile in PROFILES.providers {
        let variants = profile.variants.iter().flat_map(|(_, list)| list.iter().map(|(_, name)| *name));
        for name in profile.catalogue.into_iter().chain(variants) {
            assert_eq!(builtin(name).name, name);
        }
    }
}

/// The columns of Paradime's tables.
const PARADIME: [&str; 8] = [
    "ADMIN",
    "BILLING_ADMIN",
    "SECURITY_ADMIN",
    "WORKSPACE_SETTINGS_ADMIN",
    "WORKSPACE_ADMIN",
    "DEVELOPER",
    "ANALYST",
    "BUSINESS",
];

/// The tables of docs.paradime.io, role-based access control, row by row, with the labels of the page.
const PARADIME_MATRIX: [(&str, &str); 35] = [
    ("platform.workspaces.create", "x..xx..."), // Workspaces - Can create workspaces
    ("platform.plans.manage", "xx......"),      // Plans - Can manage/update plans
    ("platform.billing.manage", "xx......"),    // Billing - Can manage/update billing details
    ("platform.audit_logs.view", "x.x....."),   // Audit logs - Can view / download
    ("ide.access", "x...xxx."),                 // Can acces code IDE
    ("ide.commit", "x...xxx."),                 // Can create commits
    ("ide.preview_data", "x...xxx."),           // Can preview data
    ("ide.export_preview", "x...xxx."),         // Can export preview data results
    ("lineage.prod.access", "x...xxxx"),        // Can access PROD lineage
    ("lineage.dev.access", "x...xxx."),         // Can access DEV lineage
    ("catalog.prod.access", "x...xxxx"),        // Can access PROD catalog
    ("bolt.logs.access", "x...xxxx"),           // Can access schedules logs
    ("bolt.schedules.create", "x...xx.."),      // Can create schedules
    ("bolt.runs.trigger", "x...xxx."),          // Can trigger manual runs
    ("bolt.config_parse.trigger", "x...xxx."),  // Can trigger schedules config parsing
    ("bolt.webhooks.manage", "x...xx.."),       // Can manage Webhooks
    ("radar.metrics.access", "x...xxxx"),       // Can access Radar metrics
    ("radar.alerts.access", "x...xxxx"),        // Can access Data alerts
    ("radar.alerts.configure", "x...xx.."),     // Can configure Data alerts
    ("connections.view", "x..xxxx."),           // Can view connections
    ("connections.ide.manage", "x..xx..."),     // Can manage code IDE connections
    ("connections.bolt.manage", "x..xx..."),    // Can manage code Bolt scheduler connections
    ("connections.cost.manage", "x..xx..."),    // Can manage code Cost connections
    ("connections.own_credentials.update", "x..xxxx."), // Can update code IDE user own credentials
    ("workspace_settings.view", "x..xxxx."),    // Can view workspace settings
    ("workspace_settings.dbt_version.manage", "x..xx..."), // Can manage dbt™️ version
    ("workspace_settings.bolt_env_vars.manage", "x..xx..."), // Can manage Bolt scheduler environment variables
    ("workspace_settings.git_repo.manage", "x..xx..."), // Can manage connected git repository
    ("workspace_settings.api_keys.manage", "x..xx..."), // Can manage API keys
    ("integrations.view", "x..xxxxx"),          // Can view integrations
    ("integrations.manage", "x..xx..."),        // Can manage integrations
    ("team.view", "x..xxxxx"),                  // Can view teams
    ("team.auto_join.manage", "x..xx..."),      // Can manage auto-join configurations
    ("team.users.manage", "x..xx..."),          // Can manage users
    ("team.users.invite", "x..xxxxx"),          // Can invite users (check grant permissions)
];

/// The names of the roles with an `x` in a row.
fn ticked<'a>(columns: &[&'a str], row: &str) -> Vec<&'a str> {
    assert_eq!(columns.len(), row.len());
    columns.iter().zip(row.chars()).filter(|(_, mark)| *mark == 'x').map(|(name, _)| *name).collect()
}

#[test]
fn paradime_has_eight_roles_over_35_permissions() {
    let paradime = builtin("paradime");
    assert_eq!(paradime.combine, Combine::Union);
    assert_eq!(paradime.roles.keys().cloned().collect::<Vec<_>>(), sorted(&PARADIME));
    for role in PARADIME {
        let expected: Vec<&str> =
            PARADIME_MATRIX.iter().filter(|(_, row)| ticked(&PARADIME, row).contains(&role)).map(|(p, _)| *p).collect();
        assert_eq!(may(&paradime, role), sorted(&expected), "{role}");
        assert_eq!(paradime.roles[role].places, [Place::User], "{role}");
        assert_eq!(paradime.roles[role].administers, role == "ADMIN", "{role}");
    }
    let totals = PARADIME.map(|role| may(&paradime, role).len());
    assert_eq!(totals, [35, 2, 1, 17, 32, 21, 18, 8]);
    assert_eq!(paradime.permissions().len(), 35);
    assert!(!paradime.roles.contains_key("SANDBOX_USER"), "in no page and no matrix");
    // The page spells it in two ways.
    for spelling in ["Workspace Settings Admin", "Workspaces Settings Admin"] {
        assert_eq!(paradime.role(spelling).map(|(name, _)| name), Some("WORKSPACE_SETTINGS_ADMIN"));
    }
}

#[test]
fn paradime_who_may_invite_whom() {
    let rbac = [
        ("ADMIN", "xxxxxxxx"),
        ("BILLING_ADMIN", "........"),
        ("SECURITY_ADMIN", "........"),
        ("WORKSPACE_SETTINGS_ADMIN", "...xxxxx"),
        ("WORKSPACE_ADMIN", "...xxxxx"),
        ("DEVELOPER", ".....xxx"),
        ("ANALYST", "......xx"),
        ("BUSINESS", "......xx"),
    ];
    let paradime = builtin("paradime");
    for (inviter, row) in rbac {
        assert_eq!(gives(&paradime, inviter), Some(sorted(&ticked(&PARADIME, row))), "{inviter}");
    }
    let three = ["ADMIN", "DEVELOPER", "BUSINESS"];
    let standard = builtin("paradime-standard");
    assert_eq!(standard.roles.keys().cloned().collect::<Vec<_>>(), sorted(&three));
    for (inviter, row) in [("ADMIN", "xxx"), ("DEVELOPER", ".xx"), ("BUSINESS", "..x")] {
        assert_eq!(gives(&standard, inviter), Some(sorted(&ticked(&three, row))), "{inviter}");
        assert_eq!(may(&standard, inviter), may(&paradime, inviter), "the same ticks");
        assert_eq!(standard.roles[inviter].seat, paradime.roles[inviter].seat);
        assert!(standard.roles[inviter].inferred.is_some(), "the page is cut off");
    }
    // Inviting somebody who may do more: what inclusion alone would refuse.
    let beyond: Vec<(&str, &str)> = rbac
        .iter()
        .flat_map(|(giver, row)| ticked(&PARADIME, row).into_iter().map(move |given| (*giver, given)))
        .filter(|(giver, given)| !matches!(paradime.compare(given, giver), Standing::Below | Standing::Equal))
        .collect();
    assert_eq!(
        beyond,
        [
            ("WORKSPACE_SETTINGS_ADMIN", "WORKSPACE_ADMIN"),
            ("WORKSPACE_SETTINGS_ADMIN", "DEVELOPER"),
            ("WORKSPACE_SETTINGS_ADMIN", "ANALYST"),
            ("WORKSPACE_SETTINGS_ADMIN", "BUSINESS"),
            ("BUSINESS", "ANALYST"),
        ]
    );
}

#[test]
fn paradime_roles_are_ordered_in_part() {
    let paradime = builtin("paradime");
    // Rows against columns, in the order of the tables: `<` below, `>` above, `|` incomparable.
    let table = ["=>>>>>>>", "<=||||||", "<|=|||||", "<||=<|||", "<||>=>>>", "<|||<=>>", "<|||<<=>", "<|||<<<="];
    for (first, row) in PARADIME.iter().zip(table) {
        for (second, mark) in PARADIME.iter().zip(row.chars()) {
            let expected = match mark {
                '<' => Standing::Below,
                '=' => Standing::Equal,
                '>' => Standing::Above,
                _ => Standing::Incomparable,
            };
            assert_eq!(paradime.compare(first, second), expected, "{first} {second}");
        }
    }
    let incomparable = paradime.standings().iter().filter(|(_, _, s)| *s == Standing::Incomparable).count();
    assert_eq!(incomparable, 14);
}

#[test]
fn paradime_seats() {
    let paradime = builtin("paradime");
    let of = |class: &str| -> Vec<&str> {
        PARADIME.iter().copied().filter(|r| paradime.roles[*r].seat.as_deref() == Some(class)).collect()
    };
    assert_eq!(of("active"), ["ADMIN", "WORKSPACE_ADMIN", "DEVELOPER", "ANALYST"]);
    assert_eq!(of("management"), ["BILLING_ADMIN", "SECURITY_ADMIN", "WORKSPACE_SETTINGS_ADMIN"]);
    assert_eq!(of("read-only"), ["BUSINESS"]);
    // Published for these two only.
    for role in PARADIME {
        let says_seat = paradime.roles[role].inferred.as_ref().is_some_and(|i| i.starts_with("Its seat"));
        assert_eq!(says_seat, !["ADMIN", "BUSINESS"].contains(&role), "{role}");
    }
}

/// The first column of the matrix of actions that was captured from a server.
const TERMINUSDB_ACTIONS: [&str; 17] = [
    "create_database",
    "delete_database",
    "class_frame",
    "clone",
    "fetch",
    "push",
    "branch",
    "rebase",
    "instance_read_access",
    "instance_write_access",
    "schema_read_access",
    "schema_write_access",
    "meta_read_access",
    "meta_write_access",
    "commit_read_access",
    "commit_write_access",
    "manage_capabilities",
];

#[test]
fn terminusdb_has_17_actions_and_two_roles_whose_actions_are_known() {
    let terminusdb = builtin("terminusdb");
    assert_eq!(terminusdb.combine, Combine::Union, "no deny, no override");
    assert_eq!(terminusdb.permissions(), sorted(&TERMINUSDB_ACTIONS));
    assert_eq!(may(&terminusdb, "Admin Role"), sorted(&TERMINUSDB_ACTIONS));
    assert_eq!(may(&terminusdb, "super-user"), sorted(&TERMINUSDB_ACTIONS));
    let consumer = [
        "class_frame",
        "clone",
        "fetch",
        "meta_read_access",
        "commit_read_access",
        "instance_read_access",
        "schema_read_access",
    ];
    assert_eq!(may(&terminusdb, "Consumer Role"), sorted(&consumer));
    // Only the account `admin` writes accounts, roles and organizations.
    let administers: Vec<&String> =
        terminusdb.roles.iter().filter(|(_, r)| r.administers).map(|(name, _)| name).collect();
    assert_eq!(administers, ["super-user"]);
    assert_eq!(terminusdb.roles["super-user"].places, [Place::User]);
    assert_eq!(terminusdb.compare("Consumer Role", "Admin Role"), Standing::Below);
    // Delegation has no ceiling; other roles of a server are declared with their actions.
    assert_eq!(terminusdb.roles.len(), 3);
    assert_eq!(gives(&terminusdb, "Admin Role"), Some(sorted(&["Admin Role", "Consumer Role"])));
}

#[test]
fn terminusdb_hosted_roles_are_named_and_not_known() {
    let terminusdb = builtin("terminusdb-hosted");
    let hosted = [
        ("admin", "Admin Role"),
        ("collaborator", "Collaborator"),
        ("dataUpdater", "Data Updater"),
        ("dataReader", "Data Reader"),
        ("infoReader", "Info Reader"),
    ];
    let known: Vec<&str> = vec!["super-user", "Consumer Role"];
    let all: Vec<&str> = hosted.iter().map(|(_, name)| *name).chain(known).collect();
    assert_eq!(terminusdb.roles.keys().cloned().collect::<Vec<_>>(), sorted(&all));
    for (id, proper) in hosted {
        let (name, role) = terminusdb.role(id).unwrap();
        assert_eq!(name, proper);
        assert!(terminusdb.kinds["data-product"].roles.contains(&proper.to_owned()));
        if id == "admin" {
            continue;
        }
        assert_eq!(role.permissions, None, "{name}");
        assert!(role.inferred.is_some(), "{name}");
        assert_eq!(role.may_give, None, "{name}: whether it holds manage_capabilities is not known");
        assert_eq!(terminusdb.compare(name, "Admin Role"), Standing::Unknown);
        assert_eq!(terminusdb.compare("Consumer Role", name), Standing::Unknown);
    }
    // Delegation has no ceiling; the super-user is nobody's to give.
    let given = sorted(&["Admin Role", "Consumer Role", "Collaborator", "Data Updater", "Data Reader", "Info Reader"]);
    assert_eq!(gives(&terminusdb, "Admin Role"), Some(given.clone()));
    assert_eq!(gives(&terminusdb, "super-user"), Some(given));
    assert_eq!(gives(&terminusdb, "Consumer Role"), Some(Vec::new()));
}

#[test]
fn omni_tiers_are_the_published_priorities() {
    let omni = builtin("omni");
    assert_eq!(omni.combine, Combine::Highest);
    // The tier, and whether something of the role is not published.
    let connection = [
        ("NO_ACCESS", 0, true),
        ("VIEWER", 50, true),
        ("QUERY_TOPICS", 150, true),
        ("QUERIER", 250, false),
        ("MODELER", 350, false),
        ("CONNECTION_ADMIN", 450, true),
    ];
    for (name, tier, inferred) in connection {
        let role = &omni.roles[name];
        assert_eq!(role.tier, Some(tier), "{name}");
        assert_eq!(role.inferred.is_some(), inferred, "{name}");
        assert_eq!(role.places, [Place::Resource], "{name}");
    }
    assert_eq!(omni.role("RESTRICTED_QUERIER").map(|(name, _)| name), Some("QUERY_TOPICS"));
    assert_eq!(omni.kinds["connection"].roles, connection.map(|(name, _, _)| name));
    assert_eq!(omni.kinds["model"].roles, ["NO_ACCESS", "VIEWER", "QUERY_TOPICS", "QUERIER", "MODELER"]);
    assert_eq!(omni.kinds["model"].parents, ["connection"], "the base role is a floor for its models");
    chain(&omni, &connection.map(|(name, _, _)| name));
}

#[test]
fn omni_content_and_organization_roles() {
    let omni = builtin("omni");
    let content = ["NO_ACCESS", "VIEWER", "EXPLORER", "EDITOR", "MANAGER"];
    for kind in ["folder", "document"] {
        assert_eq!(omni.kinds[kind].roles, content);
        assert_eq!(omni.kinds[kind].parents, ["folder"]);
        assert!(!omni.kinds[kind].visibility);
    }
    chain(&omni, &content);
    for name in ["EXPLORER", "EDITOR", "MANAGER"] {
        assert!(omni.roles[name].inferred.is_some(), "{name} has no published priority");
    }
    chain(&omni, &["MEMBER", "ORG_ADMIN"]);
    for name in ["MEMBER", "ORG_ADMIN"] {
        assert_eq!((omni.roles[name].places.as_slice(), omni.roles[name].tier), ([Place::User].as_slice(), None));
    }
    assert!(omni.roles["ORG_ADMIN"].administers && !omni.roles["MEMBER"].administers);
    // Content and model roles are independent: they never meet, and no tier compares them.
    assert_eq!(omni.compare("EDITOR", "QUERIER"), Standing::Incomparable);
    assert!(omni.standings().iter().all(|(_, _, standing)| matches!(standing, Standing::Above | Standing::Below)));
    assert_eq!(omni.roles.len(), 11);
}

/// Fails unless each role is below every later one.
#[track_caller]
fn chain(catalogue: &Catalogue, rising: &[&str]) {
    for (index, low) in rising.iter().enumerate() {
        for high in &rising[index + 1..] {
            assert_eq!(catalogue.compare(low, high), Standing::Below, "{low} {high}");
            assert_eq!(catalogue.compare(high, low), Standing::Above, "{high} {low}");
        }
    }
}

#[test]
fn strongly_platform_roles_and_the_cap() {
    let strongly = builtin("strongly");
    let platform: Vec<&str> = strongly.roles_for(Place::User).collect();
    assert_eq!(platform, ["admin", "data-scientist", "developer", "viewer"]);
    let viewer = ["apps.read", "workflows.read", "dashboards.read", "reports.read"];
    let developer = ["apps.deploy", "workflows.create", "resources.manage", "data-sources.access", "models.deploy"];
    assert_eq!(may(&strongly, "viewer"), sorted(&viewer));
    assert_eq!(may(&strongly, "developer"), sorted(&[developer.as_slice(), viewer.as_slice()].concat()));
    assert_eq!(strongly.compare("data-scientist", "developer"), Standing::Equal);
    assert!(strongly.roles["data-scientist"].inferred.is_some(), "the page has no row for it");
    chain(&strongly, &["viewer", "developer", "admin"]);
    for name in platform {
        let cap = strongly.roles[name].caps_at.as_deref();
        assert_eq!(cap, (name == "viewer").then_some("view"), "{name}");
        assert_eq!(strongly.roles[name].administers, name == "admin", "{name}");
    }
    assert!(strongly.roles["viewer"].inferred.as_ref().is_some_and(|why| why.contains("data source")));
    for alias in ["app", "App (Viewer)"] {
        assert_eq!(strongly.role(alias).map(|(name, _)| name), Some("viewer"));
    }
    assert_eq!(strongly.leads_max, Some(1));
}

#[test]
fn strongly_kinds_and_levels() {
    let strongly = builtin("strongly");
    assert_eq!(may(&strongly, "view"), ["view"]);
    assert_eq!(may(&strongly, "edit"), ["edit", "view"]);
    assert_eq!(may(&strongly, "use"), ["use"]);
    chain(&strongly, &["view", "edit"]);
    assert_eq!(strongly.compare("use", "view"), Standing::Incomparable);
    // Kind, levels, visibility, grants, owner, everyone, whether something is inferred.
    type Row = (&'static str, &'static [&'static str], bool, bool, Option<&'static str>, Option<&'static str>, bool);
    let levels: &[&str] = &["view", "edit"];
    let table: [Row; 6] = [
        ("application", levels, true, true, Some("edit"), Some("view"), true),
        ("data-source", &["use"], true, true, Some("use"), Some("use"), true),
        ("model", levels, false, true, Some("edit"), None, true),
        ("project", levels, true, true, Some("edit"), Some("view"), true),
        ("workflow", levels, false, true, Some("edit"), None, true),
        ("workspace", levels, false, false, None, None, true),
    ];
    assert_eq!(strongly.kinds.len(), table.len());
    for (name, roles, visibility, grants, owner, everyone, inferred) in table {
        let kind = &strongly.kinds[name];
        assert_eq!(kind.roles, roles, "{name}");
        assert_eq!((kind.visibility, kind.grants), (visibility, grants), "{name}");
        assert_eq!((kind.owner.as_deref(), kind.everyone.as_deref()), (owner, everyone), "{name}");
        assert_eq!(kind.inferred.is_some(), inferred, "{name}");
    }
    assert_eq!(strongly.kinds["workspace"].parents, ["project"]);
}

#[test]
fn scim_has_no_roles_of_its_own() {
    let scim = builtin("scim");
    assert!(scim.roles.is_empty() && scim.kinds.is_empty());
    assert!(scim.nested_teams, "RFC 7643 lets a group hold groups");
    assert_eq!(scim.leads_max, Some(0));
}
