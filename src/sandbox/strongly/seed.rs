//! What is there at the beginning: what the file held, what a directory held before it became a
//! sandbox's, declarations, a file of things, or so many people.

use std::path::Path;

use super::Options;
use super::api::Strongly;
use super::project::Shadow;
use super::things::{self, ThingSaid, UserSaid};
use super::world::{Kind, World};
use crate::model::{Directory, PrincipalRecord, ResourceId, TeamId, UserId, UserState, Visibility};
use crate::sandbox::StartError;
use crate::sandbox::declared::declaration;
use crate::sandbox::keep::{Found, Keep};

type Result<T> = std::result::Result<T, String>;

/// The API with its first state.
pub fn begin(options: &Options) -> std::result::Result<Strongly, StartError> {
    let time = jiff::Timestamp::now();
    let mut strongly = Strongly::new(options.acting.clone());
    if let Some(path) = &options.state {
        let (keep, found) = Keep::open(path).map_err(|e| StartError::State(e.to_string()))?;
        restore(&mut strongly, &found, time).map_err(StartError::State)?;
        strongly.keep = Some(keep);
    }
    if strongly.world.users.len() == 0 && strongly.world.things.len() == 0 {
        first(&mut strongly.world, options, time).map_err(StartError::Seed)?;
    }
    strongly.commit(time);
    Ok(strongly)
}

fn first(world: &mut World, options: &Options, time: jiff::Timestamp) -> Result<()> {
    for path in &options.seeds {
        let directory = declaration(path, options.seed_target.as_deref(), "strongly", time)?;
        adopt(world, &directory, time)?;
    }
    if let Some(path) = &options.things {
        things::add(world, read(path)?, time)?;
    }
    for number in 0..options.users {
        let email = format!("user-{number:05}@sandbox.example");
        let said = UserSaid { email, name: Some(format!("User {number:05}")), ..UserSaid::default() };
        things::add_user(world, said, time)?;
    }
    found_organization(world);
    Ok(())
}

/// An organization has an owner: the first administrator.
fn found_organization(world: &mut World) {
    if world.users.find(|u| u.member.as_deref() == Some("owner")).is_some() {
        return;
    }
    let first = world.users.find(|u| u.role.as_deref() == Some("admin") && u.member.is_some() && !u.archived);
    if let Some(id) = first.map(|(id, _)| id.to_owned()) {
        world.users.change(&id, |u| u.member = Some("owner".to_owned()));
    }
}

fn read(path: &Path) -> Result<things::Things> {
    let bytes = std::fs::read(path).map_err(|e| format!("{} cannot be read: {e}", path.display()))?;
    things::read(&bytes).map_err(|e| format!("{}: {e}", path.display()))
}

fn restore(strongly: &mut Strongly, found: &Found, time: jiff::Timestamp) -> Result<()> {
    for (kind, id, body) in &found.rows {
        let broken = || format!("what it holds of the {kind} `{id}` cannot be read");
        if kind == "counter" {
            strongly.world.after(body.parse().map_err(|_| broken())?);
            continue;
        }
        let table = strongly.world.tables().into_iter().find(|(name, _)| name == kind);
        if let Some((_, table)) = table {
            table.restore(id, body).ok_or_else(broken)?;
        }
    }
    if found.rows.is_empty() {
        adopt(&mut strongly.world, &found.directory, time)?;
        found_organization(&mut strongly.world);
    }
    strongly.shadow = Shadow::of(&found.directory);
    strongly.shadow.keep_to(&strongly.world);
    Ok(())
}

/// A role as the API spells it.
fn api_role(name: &str) -> &str {
    match name {
        "viewer" => "app",
        "data-scientist" => "data_scientist",
        other => other,
    }
}

/// Takes in what a directory holds, as far as there is room for it here.
fn adopt(world: &mut World, directory: &Directory, time: jiff::Timestamp) -> Result<()> {
    let number = |index: usize| u32::try_from(index).unwrap_or(u32::MAX);
    for index in 0..directory.users().len() {
        let record = directory.user_record(UserId(number(index)));
        let said = UserSaid {
            name: Some(record.name.unwrap_or_else(|| record.email.clone())),
            email: record.email,
            role: record.role.as_deref().map(|r| api_role(r).to_owned()),
            archived: Some(record.state == UserState::Disabled),
            organization_role: record.attributes.get("organization_role").cloned(),
            outside: false,
        };
        things::add_user(world, said, time)?;
    }
    let user = |world: &World, email: &str| world.user_of(email).map(|(_, u)| u.email.clone());
    // Projects before the workspaces in them.
    for kind in Kind::ALL {
        for index in 0..directory.resources().len() {
            let id = ResourceId(number(index));
            let record = directory.resource_record(id);
            let Some(name) = record.name.strip_prefix(kind.word()).and_then(|n| n.strip_prefix('/')) else { continue };
            let project = record.parent.as_deref().and_then(|p| p.strip_prefix("project/"));
            let mut said = ThingSaid {
                name: name.to_owned(),
                owner: record.owner.as_deref().and_then(|o| user(world, o)),
                project: project.map(str::to_owned),
                everyone: Some(record.visibility == Some(Visibility::Everyone)),
                ..ThingSaid::default()
            };
            let grants = directory.grants_on(id).iter().map(|g| directory.grant_record(g));
            for grant in grants {
                let PrincipalRecord::User(email) = &grant.to else { continue };
                let Some(email) = user(world, email) else { continue };
                match kind {
                    Kind::Application | Kind::DataSource => {
                        let users = said.users.get_or_insert_default();
                        if !users.contains(&email) {
                            users.push(email);
                        }
                    }
                    _ => {
                        let level = if grant.role == "edit" { "editor" } else { "viewer" };
                        said.shared.get_or_insert_default().insert(email, level.to_owned());
                    }
                }
            }
            things::add_thing(world, kind, said)?;
        }
    }
    for (index, team) in directory.teams().iter().enumerate() {
        let members = directory.members_of(TeamId(number(index))).iter();
        let members = members.filter_map(|m| world.user_of(&directory.user(m.user).email).map(|(id, _)| id.to_owned()));
        let members = members.collect();
        let number = world.number();
        world.teams.put(&team.name, number, super::world::Team { members });
    }
    // Domains are those of the first application: a declaration does not say of which.
    let domains: Vec<String> = directory.domains().iter().map(|d| d.name.to_string()).collect();
    let first = world.things.find(|t| t.kind == Kind::Application).map(|(id, _)| id.to_owned());
    if let Some(id) = first.filter(|_| !domains.is_empty()) {
        world.things.change(&id, |t| {
            (t.sign_in.enabled, t.sign_in.signup, t.sign_in.domains) = (true, true, domains);
        });
    }
    for (key, value) in directory.policies() {
        let number = world.number();
        world.policies.put(key.name(), number, value.clone());
    }
    Ok(())
}
