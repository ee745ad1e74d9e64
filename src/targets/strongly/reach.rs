//! What Strongly's API can do, change by change (fact sheet strongly, section 2), and where the rest is
//! done: the page User Management names the places.

use serde_json::Value;

use super::read::{ORGANIZATION_ROLE, SIGNED_UP};
use super::session::Session;
use super::shape::{Kind, SignIn, api_role};
use crate::diagnostic::Code;
use crate::model::{
    Change, DomainRecord, GrantedRole, MemberRecord, PolicyKey, PrincipalRecord, ResourceRecord, TeamRecord,
    UserRecord, UserState, Visibility,
};
use crate::plan::{ByHand, Note, Reach};

/// Where the role of somebody is given.
const ROLE_PLACE: &str = "in Strongly: Settings > Users, the user's name, Update Role";

/// Where teams are.
const TEAM_PLACE: &str = "in Strongly: Settings > Teams";

/// Where policies are.
const POLICY_PLACE: &str = "in Strongly: Settings > Security Policies";

/// Where the sign-in pages of an application are: the page User Management does not name them.
const SIGN_IN_PLACE: &str = "in Strongly: the app's sign-in settings; then plan again";

/// Where keys are: the page does not say.
const KEY_PLACE: &str = "in Strongly, signed in as them: their API keys; the API shows nobody the keys of others";

/// The role with which an account is made whose own role the API cannot write: the least.
const LEAST: &str = "viewer";

/// What Strongly makes of a change.
pub fn reach(session: &Session, change: &Change) -> Reach {
    match change {
        Change::CreateUser { user } | Change::InviteUser { user } if session.index().twice.contains(&user.email) => {
            never(
                format!("several accounts of Strongly have the address {}", user.email),
                "give all but one of them another address, or have them removed; until then, take them out of the files",
            )
        }
        Change::CreateUser { user } => create(user),
        // Nobody could tell whether they have a letter already.
        Change::InviteUser { user } if session.index().invitations_hidden => by_hand(
            format!("invite {}, or see that they are: invitations cannot be seen", user.email),
            "in Strongly: Settings > Users, Invite User",
        ),
        Change::InviteUser { user } => invite(user),
        Change::UpdateUser { before, after } => update(session, before, after),
        Change::RenameUser { from, to } => never(
            format!("Strongly's API gives no account another address: {from} cannot become {to}"),
            "take `was:` away: the new address is somebody new, and the old one is archived",
        ),
        Change::EnableUser { user } if lost(session, user) => by_hand(
            format!("bring {} back, whose id the API does not show", user.email),
            "in Strongly: Settings > Users, Actions > Reactivate",
        ),
        Change::DisableUser { user, .. } if lost(session, user) && user.state == UserState::Active => by_hand(
            format!("deactivate {}, whose id the API does not show", user.email),
            "in Strongly: Settings > Users, Actions > Deactivate",
        ),
        // There is no deletion of others: who is to be absent is archived (section 2.5).
        Change::DeleteUser { user, .. } if user.state == UserState::Disabled => Reach::Left,
        Change::DeleteUser { user, reason } => {
            let archived = Change::DisableUser { user: user.clone(), reason: reason.clone() };
            Reach::Part(Box::new(archived), None)
        }
        Change::EnableUser { .. } | Change::DisableUser { .. } => Reach::Writes,
        Change::CreateTeam { team } => by_hand(format!("make the team {}", team_text(team)), TEAM_PLACE),
        Change::UpdateTeam { after, .. } => by_hand(format!("see to the team {}", team_text(after)), TEAM_PLACE),
        Change::RenameTeam { from, to } => by_hand(format!("rename the team {from} to {to}"), TEAM_PLACE),
        Change::DeleteTeam { team, .. } => by_hand(format!("delete the team {}", team.name), TEAM_PLACE),
        Change::SetLeads { team, after, .. } => {
            by_hand(format!("make {} the lead of the team {team}", after.join(", ")), TEAM_PLACE)
        }
        Change::AddMember { member: MemberRecord { team, user, .. } } => {
            by_hand(format!("put {user} into the team {team}"), TEAM_PLACE)
        }
        Change::ChangeMember { .. } => Reach::Nothing,
        Change::RemoveMember { member: MemberRecord { team, user, .. }, .. } => {
            by_hand(format!("take {user} out of the team {team}"), TEAM_PLACE)
        }
        Change::CreateResource { resource } => made(resource),
        Change::UpdateResource { before, after } => resource(session, before, after),
        Change::RenameResource { from, to } => {
            by_hand(format!("rename {from} to {to}"), "in Strongly, where it is shown; then take `was:` away")
        }
        // What people have made is not rolecall's to delete.
        Change::DeleteResource { .. } => Reach::Left,
        Change::CreateRole { role } | Change::UpdateRole { after: role, .. } | Change::DeleteRole { role, .. } => {
            by_hand(format!("see to the role {}", role.name), "Strongly has the roles that it has")
        }
        Change::GiveGrant { to, resource, roles } => grant(session, to, resource, &[], roles),
        Change::ChangeGrant { before, after, .. } if words(before) == words(after) => Reach::Nothing,
        Change::ChangeGrant { to, resource, before, after } => grant(session, to, resource, before, after),
        Change::RevokeGrant { to: PrincipalRecord::User(_), .. } => Reach::Writes,
        Change::RevokeGrant { to, resource, .. } => {
            by_hand(format!("stop sharing {resource} with {to}"), share_place(resource))
        }
        // Who signs up is a viewer, whether that is said or not.
        Change::ChangeDomain { before, after }
            if before.role.as_deref() == Some(SIGNED_UP) && after.role.is_none() && after.teams.is_empty() =>
        {
            Reach::Nothing
        }
        Change::AddDomain { domain } | Change::ChangeDomain { after: domain, .. } => join(session, domain),
        Change::RemoveDomain { .. } => Reach::Writes,
        Change::SetPolicy { policy, after, .. } => policy_text(*policy, after),
        Change::UnsetPolicy { policy, .. } => by_hand(format!("take the policy {} back", policy.name()), POLICY_PLACE),
    }
}

/// Who is in the list of something that is to be private, and does not go from it by these changes: they keep
/// what they have until somebody takes them out. Whoever is archived has nothing by it.
pub fn remarks(session: &Session, changes: &[&Change]) -> Vec<Note> {
    let index = session.index();
    let mut notes = Vec::new();
    for name in &index.private {
        let Some(thing) = index.things.get(name) else { continue };
        let goes = |email: &str| {
            let to = PrincipalRecord::User(email.to_owned());
            changes
                .iter()
                .any(|c| matches!(c, Change::RevokeGrant { to: t, resource, .. } if t == &to && resource == name))
        };
        let mut stay: Vec<String> = Vec::new();
        let mut strangers = 0;
        for id in &thing.listed {
            match index.emails.get(id) {
                Some(email) if index.users.get(email).is_some_and(|u| u.archived) || goes(email) => {}
                Some(email) => stay.push(email.clone()),
                None => strangers += 1,
            }
        }
        stay.sort();
        match strangers {
            0 => {}
            1 => stay.push("1 whom no list of users shows".to_owned()),
            n => stay.push(format!("{n} whom no list of users shows")),
        }
        if stay.is_empty() {
            continue;
        }
        let message = format!(
            "by hand: take {} out of the list of {name}, which is to be private: rolecall takes nobody out whose grant \
             it does not revoke",
            stay.join(", ")
        );
        let help = format!(
            "{}; or let rolecall do it: `access: {{}}` beside it, and `manage: {{grants: {{mode: authoritative, scope: \
             [{name}]}}}}`",
            share_place(name)
        );
        let rule = Some(Code::UnreachableIsManual.name().to_owned());
        notes.push(Note { rule, message, help: Some(help), declared: None });
    }
    notes
}

fn never(what: String, help: &str) -> Reach {
    Reach::Never { what, help: help.to_owned() }
}

fn step(what: String, place: &str) -> ByHand {
    ByHand { what, place: place.to_owned() }
}

fn by_hand(what: String, place: &str) -> Reach {
    Reach::ByHand(step(what, place))
}

/// Several steps as one.
fn together(steps: Vec<ByHand>) -> Option<ByHand> {
    let mut steps = steps.into_iter();
    let first = steps.next()?;
    Some(steps.fold(first, |all, next| ByHand {
        what: format!("{}, and {}", all.what, next.what),
        place: if all.place == next.place { all.place } else { format!("{}; {}", all.place, next.place) },
    }))
}

fn words(roles: &[GrantedRole]) -> Vec<&str> {
    roles.iter().map(|r| r.role.as_str()).collect()
}

/// Whether the id of an account is not to be had.
fn lost(session: &Session, user: &UserRecord) -> bool {
    unidentified(session, &user.email)
}

/// Whether somebody is there whose id is not to be had. Who is invited has none yet.
fn unidentified(session: &Session, email: &str) -> bool {
    session.user(email).is_ok_and(|u| u.id.is_none() && u.invitation.is_none())
}

/// Refuses what is no role in an organization.
fn place(user: &UserRecord) -> Option<Reach> {
    let role = user.attributes.get(ORGANIZATION_ROLE)?;
    if ["owner", "admin", "member"].contains(&role.as_str()) {
        return None;
    }
    let what = format!("`{ORGANIZATION_ROLE}: {role}` of {} is no role in an organization", user.email);
    Some(never(what, "write owner, admin or member"))
}

/// What cannot be written of a role.
fn role_step(email: &str, role: &str) -> ByHand {
    step(format!("make {email} {role}, which the API cannot write"), ROLE_PLACE)
}

fn create(user: &UserRecord) -> Reach {
    if let Some(never) = place(user) {
        return never;
    }
    let mut made = user.clone();
    // Section 2.2: said in every plan that makes somebody.
    let key = "an API key with wildcard scopes comes with every new account, and a temporary password";
    let mut steps = vec![step(format!("take away the key of {}, or narrow it: {key}", user.email), KEY_PLACE)];
    if let Some(role) = user.role.as_deref().filter(|r| api_role(r).is_none()) {
        made.role = Some(LEAST.to_owned());
        steps.push(role_step(&user.email, role));
    }
    Reach::Part(Box::new(Change::CreateUser { user: made }), together(steps))
}

fn invite(user: &UserRecord) -> Reach {
    if let Some(never) = place(user) {
        return never;
    }
    let role = user.role.as_deref().filter(|r| *r != LEAST);
    let what = |role| {
        format!(
            "plan again when {} has come: an invitation carries no platform role, and they are to be {role}",
            user.email
        )
    };
    let later = role.map(|role| step(what(role), "with rolecall, after they have accepted the invitation"));
    Reach::Part(Box::new(Change::InviteUser { user: user.clone() }), later)
}

fn update(session: &Session, before: &UserRecord, after: &UserRecord) -> Reach {
    if let Some(never) = place(after) {
        return never;
    }
    // An invitation is not changed: what is missing is done when they have come.
    if matches!(before.state, UserState::Invited | UserState::InvitationExpired) {
        return Reach::Nothing;
    }
    let known = session.user(&after.email).unwrap_or_default();
    let mut made = after.clone();
    let mut steps = Vec::new();
    if before.role != after.role {
        let wanted = after.role.as_deref();
        match (&known.unknown_role, wanted) {
            (Some(unknown), Some(role)) => {
                made.role.clone_from(&before.role);
                steps.push(step(
                    format!("make {} {role}, who is `{unknown}` now, which rolecall does not know", after.email),
                    ROLE_PLACE,
                ));
            }
            (None, Some(role)) if api_role(role).is_none() => {
                made.role.clone_from(&before.role);
                steps.push(role_step(&after.email, role));
            }
            (_, None) => made.role.clone_from(&before.role),
            (None, Some(_)) => {}
        }
    }
    if after.name.is_none() {
        made.name.clone_from(&before.name);
    }
    // Without a place in the organization, there is none: what is `null` in the files is a member.
    let of = |u: &UserRecord| u.attributes.get(ORGANIZATION_ROLE).cloned();
    if of(after).is_none() && of(before).is_none_or(|role| role == "member") {
        made.attributes.clone_from(&before.attributes);
    }
    if lost(session, after) && made != *before {
        let what =
            format!("change {}, whose id the API does not show: add them to the organization first", after.email);
        return by_hand(what, "in Strongly: Settings > Users");
    }
    if made == *before {
        return together(steps).map_or(Reach::Nothing, Reach::ByHand);
    }
    if made == *after {
        return Reach::Writes;
    }
    Reach::Part(Box::new(Change::UpdateUser { before: before.clone(), after: made }), together(steps))
}

fn team_text(team: &TeamRecord) -> String {
    let mut parts = vec![team.name.clone()];
    if let Some(text) = &team.description {
        parts.push(format!("described as \"{text}\""));
    }
    if let Some(role) = &team.role {
        parts.push(format!("with the base role {role}, which Strongly's teams do not have"));
    }
    if let Some(outer) = &team.outer {
        parts.push(format!("in the team {outer}, which Strongly's teams cannot be"));
    }
    if let Some(q) = &team.quota {
        let number = |name: &str, n: Option<u64>| n.map(|n| format!("{name} {n}"));
        let bytes = |name: &str, n: Option<crate::model::Bytes>| n.map(|n| format!("{name} {n}"));
        let limits = [
            number("CPU", q.cpu),
            bytes("memory", q.memory),
            bytes("storage", q.storage),
            number("apps", q.apps),
            number("workflows", q.workflows),
            number("workspaces", q.workspaces),
        ];
        let limits: Vec<String> = limits.into_iter().flatten().collect();
        if !limits.is_empty() {
            parts.push(format!("with at most {}", limits.join(", ")));
        }
    }
    parts.join(", ")
}

fn share_place(resource: &str) -> &'static str {
    match Kind::of(resource) {
        Some(Kind::Application) => "in Strongly: the app's details page, Share",
        Some(Kind::Project) => "in Strongly: the project's settings, Access Control",
        Some(Kind::Workflow) => "in Strongly: the workflow in the builder, Settings",
        Some(Kind::DataSource) => "in Strongly: the data source, Edit, Permissions",
        Some(Kind::Workspace) | None => "in Strongly, where it is shown",
    }
}

fn made(resource: &ResourceRecord) -> Reach {
    let seen = if Kind::of(&resource.name).is_some() { "make" } else { "see that there is" };
    let inside = resource.parent.as_ref().map(|p| format!(" in {p}")).unwrap_or_default();
    let unseen = if Kind::of(&resource.name).is_some() { "" } else { ", which no endpoint shows" };
    by_hand(format!("{seen} {}{inside}{unseen}", resource.name), share_place(&resource.name))
}

fn resource(session: &Session, before: &ResourceRecord, after: &ResourceRecord) -> Reach {
    let mut part = before.clone();
    let mut steps = Vec::new();
    let listed = Kind::of(&after.name).is_some_and(|k| k.flag().is_some());
    if before.visibility != after.visibility {
        let open = |v: Option<Visibility>| v == Some(Visibility::Everyone);
        match after.visibility {
            // Restricted and private are one: a list of people, which may be empty. Who is to go from it is taken
            // out one by one, by grants that are revoked; see `remarks` for whoever stays.
            Some(Visibility::Private) if listed && before.visibility.is_some() => {
                let people = session.thing(&after.name).is_ok_and(|t| !t.listed.is_empty());
                if people {
                    session.index().private.insert(after.name.clone());
                }
                if open(before.visibility) {
                    part.visibility = Some(if people { Visibility::Restricted } else { Visibility::Private });
                }
            }
            Some(_) if listed && before.visibility.is_some() => part.visibility = after.visibility,
            Some(visibility) => steps.push(step(
                format!("see that {} is {}, which the API does not show", after.name, visibility.word()),
                share_place(&after.name),
            )),
            None => {}
        }
    }
    if before.owner != after.owner
        && let Some(owner) = &after.owner
    {
        steps.push(step(format!("make {owner} the owner of {}", after.name), share_place(&after.name)));
    }
    if before.parent != after.parent
        && let Some(parent) = &after.parent
    {
        steps.push(step(format!("move {} to {parent}", after.name), share_place(&after.name)));
    }
    if part == *before {
        return together(steps).map_or(Reach::Nothing, Reach::ByHand);
    }
    Reach::Part(Box::new(Change::UpdateResource { before: before.clone(), after: part }), together(steps))
}

fn grant(
    session: &Session,
    to: &PrincipalRecord,
    resource: &str,
    before: &[GrantedRole],
    after: &[GrantedRole],
) -> Reach {
    if let [first, second, ..] = after {
        let what =
            format!("{to} is to have {} and {} on {resource}, where Strongly keeps one role", first.role, second.role);
        return never(what, "keep the higher one");
    }
    let role = after.first().map_or("", |r| r.role.as_str());
    match (to, Kind::of(resource)) {
        (PrincipalRecord::Everyone, Some(kind)) if kind.flag().is_some() => {
            never(format!("everyone is to have {role} on {resource} by a grant"), "say `visibility: everyone` on it")
        }
        (PrincipalRecord::Everyone, _) => {
            never(format!("nobody can give everyone {role} on {resource}"), "give it to people or to a team")
        }
        (PrincipalRecord::Team(team), _) => {
            by_hand(format!("share {resource} with the team {team}: {role}"), share_place(resource))
        }
        // Of an application the API knows who may use it, and no level (section 2.4).
        (PrincipalRecord::User(email), Some(Kind::Application)) if role == "edit" => {
            let what = step(
                format!("see that {email} may edit {resource}, which the API does not show"),
                share_place(resource),
            );
            if !before.is_empty() {
                return Reach::ByHand(what);
            }
            let roles = after.iter().map(|r| GrantedRole { role: "view".to_owned(), ..r.clone() }).collect();
            let given = Change::GiveGrant { to: to.clone(), resource: resource.to_owned(), roles };
            Reach::Part(Box::new(given), Some(what))
        }
        // Projects are shared by address, all else by id.
        (PrincipalRecord::User(email), Some(kind)) if kind != Kind::Project && unidentified(session, email) => {
            let what = format!("share {resource} with {email}, whose id the API does not show: {role}");
            by_hand(what, share_place(resource))
        }
        (PrincipalRecord::User(_), Some(Kind::Workspace) | None) => {
            by_hand(format!("share {resource} with {to}: {role}"), share_place(resource))
        }
        (PrincipalRecord::User(_), Some(_)) => Reach::Writes,
    }
}

fn join(session: &Session, domain: &DomainRecord) -> Reach {
    let index = session.index();
    if index.sign_in.is_empty() || !index.no_sign_in.is_empty() {
        let what = match index.no_sign_in.first() {
            Some(name) => format!("people of {} are to join by application/{name}, which there is not", domain.name),
            None => format!("Strongly has domains of applications, and none is named for {}", domain.name),
        };
        return never(what, "name the applications with the sign-in pages: `settings: {sign_in: NAME}`");
    }
    if !domain.teams.is_empty() {
        let what = format!("who signs up by {} joins no team: {}", domain.name, domain.teams.join(", "));
        return never(what, "take `teams:` away from the domain");
    }
    match domain.role.as_deref() {
        None | Some(SIGNED_UP) => {
            let closed = index.pages.iter().find_map(|(app, pages)| closed(session, app, pages));
            closed.map_or(Reach::Writes, |what| by_hand(format!("{what}, for {}", domain.name), SIGN_IN_PLACE))
        }
        Some(role) => never(
            format!("who signs up by {} becomes a {SIGNED_UP}, and not {role}", domain.name),
            "write `role: viewer`, or none",
        ),
    }
}

/// Why rolecall does not open the sign-in pages of an application, as what is to be done. It turns sign-up on
/// where nobody comes in by that whom the files do not name.
fn closed(session: &Session, app: &str, pages: &SignIn) -> Option<String> {
    if !pages.enabled {
        return Some(format!("switch the sign-in pages of application/{app} on"));
    }
    let others: Vec<&str> =
        pages.domains.iter().map(String::as_str).filter(|d| !session.wanted.domains.contains(*d)).collect();
    if pages.signup || others.is_empty() {
        return None;
    }
    Some(format!(
        "turn sign-up of application/{app} on, which lets people of {} in as well, or take that out of its domains",
        others.join(", ")
    ))
}

/// What the page says of every password, by the word of the files.
const PASSWORD: [(&str, u64); 5] = [("length", 8), ("upper", 1), ("lower", 1), ("digits", 1), ("special", 1)];

fn policy_text(policy: PolicyKey, document: &Value) -> Reach {
    match policy {
        PolicyKey::Mfa => {
            let who = match document.get("require") {
                Some(Value::Array(roles)) => {
                    let roles: Vec<&str> = roles.iter().filter_map(Value::as_str).collect();
                    format!("required of {}", roles.join(", "))
                }
                Some(Value::String(word)) if word == "none" => "required of nobody".to_owned(),
                Some(Value::String(word)) if word == "all" => "required of all users".to_owned(),
                Some(Value::String(word)) => format!("required of {word}"),
                _ => "as declared".to_owned(),
            };
            let grace = document.get("grace").and_then(Value::as_str).map(|g| format!(", with a grace period of {g}"));
            let what =
                format!("see that a second factor is {who}{}; the API does not show it", grace.unwrap_or_default());
            by_hand(what, POLICY_PLACE)
        }
        PolicyKey::Passwords => {
            let more =
                |(name, least): &(&str, u64)| document.get(name).and_then(Value::as_u64).is_some_and(|n| n > *least);
            if PASSWORD.iter().any(more) {
                let what = "see to the passwords: Strongly asks for 8 characters, with an upper-case and a lower-case \
                            letter, a digit and a special character, and its page knows no stricter rule";
                return by_hand(what.to_owned(), POLICY_PLACE);
            }
            Reach::Nothing
        }
        // rolecall keeps to these itself.
        PolicyKey::Invitations | PolicyKey::Review => Reach::Nothing,
    }
}
