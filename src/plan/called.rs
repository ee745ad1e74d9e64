//! A change in other names: what is called otherwise since is the same thing.

use crate::model::{
    Change, DomainRecord, Kind, MemberRecord, ObjectRef, PrincipalRecord, ResourceRecord, TeamRecord, UserRecord, Why,
};

/// Says what a thing of that kind is called.
pub(super) type Name<'n> = &'n dyn Fn(Kind, &str) -> String;

/// The change with every user, team and resource called so. Renamings stay as they are: they are about names.
pub(super) fn called(change: &Change, name: Name<'_>) -> Change {
    let mut change = change.clone();
    match &mut change {
        Change::CreateRole { .. }
        | Change::UpdateRole { .. }
        | Change::DeleteRole { .. }
        | Change::RenameUser { .. }
        | Change::RenameTeam { .. }
        | Change::RenameResource { .. }
        | Change::SetPolicy { .. }
        | Change::UnsetPolicy { .. } => {}
        Change::CreateUser { user: u } | Change::InviteUser { user: u } | Change::EnableUser { user: u } => {
            user(u, name);
        }
        Change::UpdateUser { before, after } => {
            user(before, name);
            user(after, name);
        }
        Change::DisableUser { user: u, reason } | Change::DeleteUser { user: u, reason } => {
            user(u, name);
            why(reason, name);
        }
        Change::CreateTeam { team: t } => team(t, name),
        Change::UpdateTeam { before, after } => {
            team(before, name);
            team(after, name);
        }
        Change::DeleteTeam { team: t, reason } => {
            team(t, name);
            why(reason, name);
        }
        Change::SetLeads { team, before, after } => {
            set(team, Kind::Team, name);
            names(before, Kind::User, name);
            names(after, Kind::User, name);
        }
        Change::AddMember { member: m } => member(m, name),
        Change::ChangeMember { before, after } => {
            member(before, name);
            member(after, name);
        }
        Change::RemoveMember { member: m, reason } => {
            member(m, name);
            why(reason, name);
        }
        Change::CreateResource { resource: r } => resource(r, name),
        Change::UpdateResource { before, after } => {
            resource(before, name);
            resource(after, name);
        }
        Change::DeleteResource { resource: r, reason } => {
            resource(r, name);
            why(reason, name);
        }
        Change::GiveGrant { to, resource, .. } | Change::ChangeGrant { to, resource, .. } => {
            principal(to, name);
            set(resource, Kind::Resource, name);
        }
        Change::RevokeGrant { to, resource, reason, .. } => {
            principal(to, name);
            set(resource, Kind::Resource, name);
            why(reason, name);
        }
        Change::AddDomain { domain: d } => domain(d, name),
        Change::ChangeDomain { before, after } => {
            domain(before, name);
            domain(after, name);
        }
        Change::RemoveDomain { domain: d, reason } => {
            domain(d, name);
            why(reason, name);
        }
    }
    change
}

fn set(text: &mut String, kind: Kind, name: Name<'_>) {
    *text = name(kind, text);
}

/// Lists of names are sorted.
fn names(list: &mut [String], kind: Kind, name: Name<'_>) {
    list.iter_mut().for_each(|one| set(one, kind, name));
    list.sort_unstable();
}

fn user(record: &mut UserRecord, name: Name<'_>) {
    set(&mut record.email, Kind::User, name);
}

fn team(record: &mut TeamRecord, name: Name<'_>) {
    set(&mut record.name, Kind::Team, name);
    record.outer.iter_mut().for_each(|outer| set(outer, Kind::Team, name));
    names(&mut record.leads, Kind::User, name);
}

fn member(record: &mut MemberRecord, name: Name<'_>) {
    set(&mut record.team, Kind::Team, name);
    set(&mut record.user, Kind::User, name);
}

fn resource(record: &mut ResourceRecord, name: Name<'_>) {
    set(&mut record.name, Kind::Resource, name);
    record.parent.iter_mut().for_each(|parent| set(parent, Kind::Resource, name));
    record.owner.iter_mut().for_each(|owner| set(owner, Kind::User, name));
}

fn domain(record: &mut DomainRecord, name: Name<'_>) {
    names(&mut record.teams, Kind::Team, name);
}

fn principal(record: &mut PrincipalRecord, name: Name<'_>) {
    match record {
        PrincipalRecord::User(user) => set(user, Kind::User, name),
        PrincipalRecord::Team(team) => set(team, Kind::Team, name),
        PrincipalRecord::Everyone => {}
    }
}

fn why(reason: &mut Why, name: Name<'_>) {
    if let Why::Goes { with: ObjectRef { kind, name: text } } = reason
        && matches!(kind, Kind::User | Kind::Team | Kind::Resource)
    {
        set(text, *kind, name);
    }
}
