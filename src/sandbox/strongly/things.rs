//! What people do on Strongly's screens: in a file that the sandbox begins with, or while it runs.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::api::stamp;
use super::organizations;
use super::world::{Invitation, Kind, SignIn, Team, Thing, User, World};

/// What a file holds. What is there already, by address or name, is changed as far as something is said.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Things {
    pub users: Vec<UserSaid>,
    pub invitations: Vec<InvitationSaid>,
    /// Who accepts an invitation, by address.
    pub accept: Vec<String>,
    pub applications: Vec<ThingSaid>,
    pub projects: Vec<ThingSaid>,
    pub workspaces: Vec<ThingSaid>,
    pub workflows: Vec<ThingSaid>,
    pub data_sources: Vec<ThingSaid>,
    /// The members of teams, by address.
    pub teams: BTreeMap<String, Vec<String>>,
    /// Policies as documents: `mfa: {require: all}`; `null` takes one away.
    pub policies: BTreeMap<String, Value>,
}

/// Somebody.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UserSaid {
    pub email: String,
    pub name: Option<String>,
    /// As the API spells it; any word.
    pub role: Option<String>,
    pub archived: Option<bool>,
    /// The role in the organization.
    pub organization_role: Option<String>,
    /// Not in the organization.
    pub outside: bool,
}

/// An invitation.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InvitationSaid {
    pub email: String,
    #[serde(default)]
    pub role: Option<String>,
    /// When it ends.
    #[serde(default)]
    pub expires: Option<String>,
}

/// Something that can be shared. Who may use it stands in `users`, who works with it in `shared`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ThingSaid {
    pub name: String,
    pub owner: Option<String>,
    pub project: Option<String>,
    pub everyone: Option<bool>,
    pub users: Option<Vec<String>>,
    pub shared: Option<BTreeMap<String, String>>,
    pub sign_in: Option<SignInSaid>,
}

/// Sign-in pages.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SignInSaid {
    pub enabled: bool,
    pub signup: bool,
    pub slug: Option<String>,
    pub domains: Vec<String>,
}

type Result<T> = std::result::Result<T, String>;

/// Reads what a file or a request says: YAML, or the JSON that is part of it.
pub fn read(bytes: &[u8]) -> Result<Things> {
    serde_yaml::from_slice(bytes).map_err(|e| e.to_string())
}

fn user(world: &World, email: &str) -> Result<String> {
    world.user_of(email).map(|(id, _)| id.to_owned()).ok_or_else(|| format!("there is no user `{email}`"))
}

/// Makes or changes a user.
pub fn add_user(world: &mut World, said: UserSaid, time: jiff::Timestamp) -> Result<()> {
    if let Some(role) = said.organization_role.as_deref()
        && !organizations::ROLES.contains(&role)
    {
        return Err(format!("`{role}` is no role in an organization"));
    }
    let known = world.user_of(&said.email).map(|(id, u)| (id.to_owned(), u.clone()));
    let (id, number, before) = match known {
        Some((id, before)) => (id, 0, before),
        None => {
            let (id, number) = world.fresh("user");
            let made = User {
                email: said.email.clone(),
                name: said.email.clone(),
                role: Some("app".to_owned()),
                archived: false,
                member: Some("member".to_owned()),
                created: stamp(time),
            };
            (id, number, made)
        }
    };
    let member = said.organization_role.or(before.member).filter(|_| !said.outside);
    let after = User {
        email: before.email,
        name: said.name.unwrap_or(before.name),
        role: said.role.or(before.role),
        archived: said.archived.unwrap_or(before.archived),
        member,
        created: before.created,
    };
    world.users.put(&id, number, after);
    Ok(())
}

/// Makes or changes something that can be shared.
pub fn add_thing(world: &mut World, kind: Kind, said: ThingSaid) -> Result<()> {
    if said.name.is_empty() {
        return Err(format!("a {} needs a name", kind.word()));
    }
    let known = world.things.find(|t| t.kind == kind && t.name == said.name);
    let known = known.map(|(id, t)| (id.to_owned(), t.clone()));
    let (id, number, mut thing) = match known {
        Some((id, thing)) => (id, 0, thing),
        None => {
            let (id, number) = world.fresh(kind.word());
            (id, number, Thing::new(kind, &said.name, None))
        }
    };
    if let Some(owner) = &said.owner {
        thing.owner = Some(user(world, owner)?);
    }
    if let Some(name) = &said.project {
        let found = world.things.find(|t| t.kind == Kind::Project && t.name == *name);
        thing.project = Some(found.ok_or_else(|| format!("there is no project `{name}`"))?.0.to_owned());
    }
    thing.open = said.everyone.unwrap_or(thing.open);
    if let Some(users) = &said.users {
        thing.allowed = users.iter().map(|u| user(world, u)).collect::<Result<_>>()?;
    }
    if let Some(shared) = said.shared {
        thing.shared = shared.into_iter().map(|(u, level)| Ok((user(world, &u)?, level))).collect::<Result<_>>()?;
    }
    if let Some(said) = said.sign_in {
        let access = "instant".to_owned();
        thing.sign_in =
            SignIn { enabled: said.enabled, slug: said.slug, signup: said.signup, access, domains: said.domains };
    }
    world.things.put(&id, number, thing);
    Ok(())
}

/// Puts things in, and changes those that are there.
///
/// # Errors
/// What names something that is not there. Then the state is to be undone.
pub fn add(world: &mut World, things: Things, time: jiff::Timestamp) -> Result<()> {
    for said in things.users {
        add_user(world, said, time)?;
    }
    for said in things.invitations {
        let (id, number) = world.fresh("invitation");
        let role = said.role.unwrap_or_else(|| "member".to_owned());
        let invitation = Invitation { email: said.email, role, created: stamp(time), expires: said.expires };
        world.invitations.put(&id, number, invitation);
    }
    for email in things.accept {
        let found = world.invitations.find(|i| i.email.eq_ignore_ascii_case(&email));
        let found = found.map(|(id, i)| (id.to_owned(), i.clone()));
        let (id, invitation) = found.ok_or_else(|| format!("nobody has invited `{email}`"))?;
        world.invitations.remove(&id);
        let organization_role = Some(invitation.role);
        add_user(world, UserSaid { email: invitation.email, organization_role, ..UserSaid::default() }, time)?;
    }
    let kinds = [
        (Kind::Application, things.applications),
        (Kind::Project, things.projects),
        (Kind::Workspace, things.workspaces),
        (Kind::Workflow, things.workflows),
        (Kind::DataSource, things.data_sources),
    ];
    for (kind, said) in kinds {
        for thing in said {
            add_thing(world, kind, thing)?;
        }
    }
    for (name, emails) in things.teams {
        let members = emails.iter().map(|e| user(world, e)).collect::<Result<_>>()?;
        let number = world.number();
        world.teams.put(&name, number, Team { members });
    }
    for (name, value) in things.policies {
        let number = world.number();
        match value {
            Value::Null => world.policies.remove(&name),
            value => world.policies.put(&name, number, value),
        }
    }
    Ok(())
}
