//! Where the files say what an answer hangs on.

use super::told::Edge;
use crate::diagnostic::Location;
use crate::model::{Desired, Directory, GrantRecord, MemberRecord, Moment, Principal, PrincipalRecord};

/// A thing of a directory, by its number in its list.
enum Row {
    User(usize),
    Team(usize),
    Resource(usize),
    Member(usize),
    Grant(usize),
}

/// The thing that says a fact, where a directory says it.
fn row(d: &Directory, edge: &Edge) -> Option<Row> {
    let role_is = |id: Option<&crate::model::RoleId>, name: &str| id.is_some_and(|r| *d.role(*r).name == *name);
    match edge {
        Edge::Role { user, role } => {
            let id = d.find_user(user)?;
            role_is(d.user(id).role.value(), role).then(|| Row::User(id.index()))
        }
        Edge::Member { team, user } | Edge::MemberRole { team, user, .. } => {
            let key = (d.find_team(team)?, d.find_user(user)?);
            let index = d.memberships().binary_search_by_key(&key, |m| (m.team, m.user)).ok()?;
            match edge {
                Edge::MemberRole { role, .. } if !role_is(d.memberships()[index].role.value(), role) => None,
                _ => Some(Row::Member(index)),
            }
        }
        Edge::TeamRole { team, role } => {
            let id = d.find_team(team)?;
            role_is(d.team(id).role.value(), role).then(|| Row::Team(id.index()))
        }
        Edge::Inner { team, outer } => {
            let id = d.find_team(team)?;
            let said = d.team(id).outer.value().is_some_and(|o| *d.team(*o).name == **outer);
            said.then(|| Row::Team(id.index()))
        }
        Edge::Grant { to, resource, role } => {
            let to = match to {
                PrincipalRecord::User(user) => Principal::User(d.find_user(user)?),
                PrincipalRecord::Team(team) => Principal::Team(d.find_team(team)?),
                PrincipalRecord::Everyone => Principal::Everyone,
            };
            let key = (d.find_resource(resource)?, to, d.find_role(role)?);
            d.grants().binary_search_by_key(&key, |g| (g.resource, g.principal, g.role)).ok().map(Row::Grant)
        }
        Edge::Owner { resource, user } => {
            let id = d.find_resource(resource)?;
            let said = d.resource(id).owner.value().is_some_and(|o| *d.user(*o).email == **user);
            said.then(|| Row::Resource(id.index()))
        }
        Edge::Visible { resource } => {
            let id = d.find_resource(resource)?;
            let said = d.resource(id).visibility.value() == Some(&crate::model::Visibility::Everyone);
            said.then(|| Row::Resource(id.index()))
        }
        Edge::Inside { resource, parent } => {
            let id = d.find_resource(resource)?;
            let said = d.resource(id).parent.value().is_some_and(|p| *d.resource(*p).name == **parent);
            said.then(|| Row::Resource(id.index()))
        }
    }
}

/// The reason that a directory gives for a fact.
pub(super) fn because(d: &Directory, edge: &Edge) -> Option<String> {
    let number = match row(d, edge)? {
        Row::Member(index) => d.memberships().get(index)?.because,
        Row::Grant(index) => d.grants().get(index)?.because,
        Row::User(_) | Row::Team(_) | Row::Resource(_) => None,
    };
    number.map(|n| d.reason(n).to_owned())
}

/// What the files say of a fact.
pub trait Declared {
    /// Where they say it.
    fn place(&self, edge: &Edge) -> Option<Location>;
    /// The reason that they give for it.
    fn because(&self, edge: &Edge) -> Option<String>;
    /// The reason of a block, where they block a user; `None` inside where none is given.
    fn blocked(&self, user: &str) -> Option<Option<String>>;
    /// The declared grants and memberships whose end is past.
    fn ended(&self) -> (&[GrantRecord], &[MemberRecord]);
    /// The last moment that they declare for a user.
    fn until(&self, user: &str) -> Option<Moment>;
}

/// The files of one target.
pub struct Files<'a, O> {
    /// What they want.
    pub desired: &'a Desired<O>,
    /// Says where something is.
    pub locate: &'a dyn Fn(O) -> Location,
}

impl<O: Copy> Files<'_, O> {
    /// Where they say a fact.
    #[must_use]
    pub fn origin(&self, edge: &Edge) -> Option<O> {
        let origins = &self.desired.origins;
        match row(&self.desired.directory, edge)? {
            Row::User(index) => origins.users.get(index),
            Row::Team(index) => origins.teams.get(index),
            Row::Resource(index) => origins.resources.get(index),
            Row::Member(index) => origins.memberships.get(index),
            Row::Grant(index) => origins.grants.get(index),
        }
        .copied()
    }
}

impl<O: Copy> Declared for Files<'_, O> {
    fn place(&self, edge: &Edge) -> Option<Location> {
        self.origin(edge).map(|o| (self.locate)(o))
    }

    fn because(&self, edge: &Edge) -> Option<String> {
        because(&self.desired.directory, edge)
    }

    fn blocked(&self, user: &str) -> Option<Option<String>> {
        self.desired.blocks.get(user).cloned()
    }

    fn ended(&self) -> (&[GrantRecord], &[MemberRecord]) {
        (&self.desired.ended_grants, &self.desired.ended_members)
    }

    fn until(&self, user: &str) -> Option<Moment> {
        let directory = &self.desired.directory;
        directory.find_user(user).and_then(|id| directory.user(id).until.value().copied())
    }
}
