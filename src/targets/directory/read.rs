//! Reading the whole directory in one transaction.

use std::path::PathBuf;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};
use rustc_hash::FxHashMap;

use super::error::{malformed, sqlite};
use super::schema;
use crate::model::{
    Builder, Bytes, Change, Directory, Domain, Grant, Membership, Moment, PERMISSIONS_MAX, Permissions, PolicyKey,
    Principal, QuotaRecord, Resource, ResourceId, Role, RoleId, Said, Team, TeamId, User, UserId, UserKind, UserState,
    Visibility,
};
use crate::targets::{Capabilities, Reader, Reading, TargetError, Task};

/// Reads the directory. It opens the file anew for each reading, and only to read.
#[derive(Debug)]
pub struct DirectoryReader {
    path: PathBuf,
    now: Moment,
    capabilities: Capabilities,
}

impl DirectoryReader {
    /// A reader of the file at `path`, which need not exist: what is not there is empty, and is not
    /// made. `now` decides which invitations have run out.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>, now: Moment) -> Self {
        Self { path: path.into(), now, capabilities: super::capabilities() }
    }

    fn read_now(&self) -> Result<Reading, TargetError> {
        let Some(conn) = schema::open_to_read(&self.path)? else {
            return Ok(Reading { directory: Directory::default(), notes: Vec::new(), doubts: Vec::new() });
        };
        // One transaction is one snapshot: nobody's write is seen in part.
        let tx = conn.unchecked_transaction().map_err(|e| sqlite(&e))?;
        Pass::new(&tx, self.now).run()
    }
}

impl Reader for DirectoryReader {
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn read(&self) -> Task<'_, Result<Reading, TargetError>> {
        Box::pin(async move { self.read_now() })
    }

    fn holds<'a>(&'a self, change: &'a Change) -> Task<'a, Result<bool, TargetError>> {
        Box::pin(async move {
            let Some(mut conn) = schema::open_to_read(&self.path)? else { return Ok(false) };
            let tx = conn.transaction().map_err(|e| sqlite(&e))?;
            super::write::expect::holds(&tx, change, self.now)
        })
    }
}

/// The provisional numbers of the things of one table, by row id.
#[derive(Debug, Default)]
struct Ids(FxHashMap<i64, u32>);

impl Ids {
    fn get(&self, id: i64, table: &str) -> Result<u32, TargetError> {
        self.0
            .get(&id)
            .copied()
            .ok_or_else(|| malformed(table, format!("there is no row {id}, to which another refers")))
    }
}

struct Pass<'c> {
    conn: &'c Connection,
    now: Moment,
    build: Builder<()>,
    notes: Vec<String>,
    roles: Ids,
    users: Ids,
    teams: Ids,
    resources: Ids,
}

impl<'c> Pass<'c> {
    fn new(conn: &'c Connection, now: Moment) -> Self {
        Self {
            conn,
            now,
            build: Builder::new(),
            notes: Vec::new(),
            roles: Ids::default(),
            users: Ids::default(),
            teams: Ids::default(),
            resources: Ids::default(),
        }
    }

    fn run(mut self) -> Result<Reading, TargetError> {
        self.read_roles()?;
        self.read_users()?;
        self.read_user_pairs("SELECT user_id, name, value FROM user_attributes", |user, name, value| {
            user.attributes.push((name.into(), Said::Is(value.into())));
        })?;
        self.read_user_pairs("SELECT user_id, system, handle FROM user_handles", |user, system, handle| {
            user.handles.push((system.into(), Said::Is(handle.into())));
        })?;
        self.read_teams()?;
        self.read_memberships()?;
        self.read_resources()?;
        self.read_grants()?;
        self.read_domains()?;
        self.read_policies()?;
        let (directory, _, _) = self.build.finish().map_err(|twice| {
            let names: Vec<String> = twice.iter().take(3).map(|t| t.object.to_string()).collect();
            malformed("the directory", format!("it holds some things twice: {}", names.join(", ")))
        })?;
        self.notes.sort();
        Ok(Reading { directory, notes: self.notes, doubts: Vec::new() })
    }

    /// Runs a query and hands over each row.
    fn each(
        &mut self,
        sql: &str,
        mut f: impl FnMut(&mut Self, &Row<'_>) -> Result<(), TargetError>,
    ) -> Result<(), TargetError> {
        let mut statement = self.conn.prepare(sql).map_err(|e| sqlite(&e))?;
        let mut rows = statement.query([]).map_err(|e| sqlite(&e))?;
        while let Some(row) = rows.next().map_err(|e| sqlite(&e))? {
            f(self, row)?;
        }
        Ok(())
    }

    fn read_roles(&mut self) -> Result<(), TargetError> {
        let mut permissions: FxHashMap<i64, Permissions> = FxHashMap::default();
        let sql = "SELECT h.role_id, p.name FROM role_permissions AS h JOIN permissions AS p ON p.id = h.permission_id \
                   ORDER BY p.name";
        self.each(sql, |pass, row| {
            let bit = pass.build.permission(text(row, 1)?);
            if bit >= PERMISSIONS_MAX {
                return Err(malformed(
                    "role_permissions",
                    format!("more than {PERMISSIONS_MAX} different permissions"),
                ));
            }
            permissions.entry(int(row, 0)?).or_default().insert(bit);
            Ok(())
        })?;
        self.each("SELECT id, name, description, administers FROM roles ORDER BY name", |pass, row| {
            let id = int(row, 0)?;
            let role = Role {
                name: text(row, 1)?.into(),
                description: said_text(row, 2)?,
                permissions: permissions.get(&id).copied().unwrap_or_default(),
                administers: int(row, 3)? != 0,
            };
            let number = pass.build.role(role, ());
            pass.roles.0.insert(id, number.0);
            Ok(())
        })
    }

    fn read_users(&mut self) -> Result<(), TargetError> {
        let sql = "SELECT id, email, name, kind, role_id, state, invited_until, until, timezone, owner, last_seen \
                   FROM users ORDER BY email";
        self.each(sql, |pass, row| {
            let id = int(row, 0)?;
            let email = text(row, 1)?;
            let user = User {
                email: email.into(),
                name: said_text(row, 2)?,
                kind: Said::Is(user_kind(text(row, 3)?).ok_or_else(|| malformed(email, "unknown kind of account"))?),
                role: pass.said_role(row, 4)?,
                state: user_state(text(row, 5)?, moment(row, 6)?, pass.now)
                    .ok_or_else(|| malformed(email, "unknown state"))?,
                until: Said::known(moment(row, 7)?),
                timezone: said_text(row, 8)?,
                owner: said_text(row, 9)?,
                attributes: Vec::new(),
                handles: Vec::new(),
                last_seen: moment(row, 10)?,
                was: None,
            };
            let number = pass.build.user(user, ());
            pass.users.0.insert(id, number.0);
            Ok(())
        })
    }

    fn read_user_pairs(&mut self, sql: &str, put: impl Fn(&mut User, &str, &str)) -> Result<(), TargetError> {
        self.each(sql, |pass, row| {
            let number = pass.users.get(int(row, 0)?, "users")?;
            if let Some(user) = pass.build.user_mut(UserId(number)) {
                put(user, text(row, 1)?, text(row, 2)?);
            }
            Ok(())
        })
    }

    fn read_teams(&mut self) -> Result<(), TargetError> {
        let mut outers: Vec<(TeamId, i64)> = Vec::new();
        let sql = "SELECT id, name, description, role_id, outer_id, quota_cpu, quota_memory, quota_storage, \
                   quota_apps, quota_workflows, quota_workspaces FROM teams ORDER BY name";
        self.each(sql, |pass, row| {
            let id = int(row, 0)?;
            let team = Team {
                name: text(row, 1)?.into(),
                description: said_text(row, 2)?,
                leads: Said::Nothing,
                role: pass.said_role(row, 3)?,
                outer: Said::Nothing,
                quota: Said::known(quota(row, 5)?),
                was: None,
            };
            let number = pass.build.team(team, ());
            pass.teams.0.insert(id, number.0);
            if let Some(outer) = optional_int(row, 4)? {
                outers.push((number, outer));
            }
            Ok(())
        })?;
        for (team, outer) in outers {
            let outer = TeamId(self.teams.get(outer, "teams")?);
            if let Some(team) = self.build.team_mut(team) {
                team.outer = Said::Is(outer);
            }
        }
        self.each("SELECT team_id, user_id FROM team_leads", |pass, row| {
            let team = TeamId(pass.teams.get(int(row, 0)?, "teams")?);
            let lead = UserId(pass.users.get(int(row, 1)?, "users")?);
            if let Some(team) = pass.build.team_mut(team) {
                match &mut team.leads {
                    Said::Is(leads) => leads.push(lead),
                    leads => *leads = Said::Is(vec![lead]),
                }
            }
            Ok(())
        })
    }

    fn read_memberships(&mut self) -> Result<(), TargetError> {
        self.each("SELECT team_id, user_id, role_id, until, because FROM memberships", |pass, row| {
            let membership = Membership {
                team: TeamId(pass.teams.get(int(row, 0)?, "teams")?),
                user: UserId(pass.users.get(int(row, 1)?, "users")?),
                role: pass.said_role(row, 2)?,
                until: Said::known(moment(row, 3)?),
                because: optional_text(row, 4)?.map(|t| pass.build.reason(t)),
            };
            pass.build.membership(membership, ());
            Ok(())
        })
    }

    fn read_resources(&mut self) -> Result<(), TargetError> {
        let mut parents: Vec<(ResourceId, i64)> = Vec::new();
        let sql = "SELECT id, name, description, parent_id, visibility, owner_id FROM resources ORDER BY name";
        self.each(sql, |pass, row| {
            let id = int(row, 0)?;
            let name = text(row, 1)?;
            let seen = optional_text(row, 4)?
                .map(|word| visibility(word).ok_or_else(|| malformed(name, "unknown visibility")))
                .transpose()?;
            let owner = optional_int(row, 5)?.map(|id| pass.users.get(id, "users").map(UserId)).transpose()?;
            let resource = Resource {
                name: name.into(),
                description: said_text(row, 2)?,
                parent: Said::Nothing,
                visibility: Said::known(seen),
                owner: Said::known(owner),
                was: None,
            };
            let number = pass.build.resource(resource, ());
            pass.resources.0.insert(id, number.0);
            if let Some(parent) = optional_int(row, 3)? {
                parents.push((number, parent));
            }
            Ok(())
        })?;
        for (resource, parent) in parents {
            let parent = ResourceId(self.resources.get(parent, "resources")?);
            if let Some(resource) = self.build.resource_mut(resource) {
                resource.parent = Said::Is(parent);
            }
        }
        Ok(())
    }

    fn read_grants(&mut self) -> Result<(), TargetError> {
        // In the order of the table: sorting numbers afterwards is cheaper than joining names here.
        let sql = "SELECT resource_id, user_id, team_id, everyone, role_id, until, because FROM grants";
        self.each(sql, |pass, row| {
            let principal = match (optional_int(row, 1)?, optional_int(row, 2)?, int(row, 3)?) {
                (Some(user), None, 0) => Principal::User(UserId(pass.users.get(user, "users")?)),
                (None, Some(team), 0) => Principal::Team(TeamId(pass.teams.get(team, "teams")?)),
                (None, None, 1) => Principal::Everyone,
                _ => return Err(malformed("grants", "a grant to none, or to several, of user, team and everyone")),
            };
            let grant = Grant {
                resource: ResourceId(pass.resources.get(int(row, 0)?, "resources")?),
                principal,
                role: RoleId(pass.roles.get(int(row, 4)?, "roles")?),
                until: moment(row, 5)?,
                because: optional_text(row, 6)?.map(|t| pass.build.reason(t)),
            };
            pass.build.grant(grant, ());
            Ok(())
        })
    }

    fn read_domains(&mut self) -> Result<(), TargetError> {
        let mut teams: FxHashMap<i64, Vec<TeamId>> = FxHashMap::default();
        self.each("SELECT domain_id, team_id FROM domain_teams", |pass, row| {
            let team = TeamId(pass.teams.get(int(row, 1)?, "teams")?);
            teams.entry(int(row, 0)?).or_default().push(team);
            Ok(())
        })?;
        self.each("SELECT id, name, role_id FROM domains ORDER BY name", |pass, row| {
            let domain = Domain {
                name: text(row, 1)?.into(),
                role: pass.said_role(row, 2)?,
                teams: Said::known(teams.remove(&int(row, 0)?)),
            };
            pass.build.domain(domain, ());
            Ok(())
        })
    }

    fn read_policies(&mut self) -> Result<(), TargetError> {
        self.each("SELECT key, value FROM policies ORDER BY key", |pass, row| {
            let key = text(row, 0)?;
            match PolicyKey::ALL.into_iter().find(|k| k.name() == key) {
                Some(known) => {
                    let value =
                        serde_json::from_str(text(row, 1)?).map_err(|e| malformed(format!("policy {key}"), e))?;
                    pass.build.policy(known, value, ());
                }
                None => pass.notes.push(format!("policy {key} is unknown to this rolecall and left alone")),
            }
            Ok(())
        })
    }

    fn said_role(&self, row: &Row<'_>, column: usize) -> Result<Said<RoleId>, TargetError> {
        Ok(match optional_int(row, column)? {
            Some(id) => Said::Is(RoleId(self.roles.get(id, "roles")?)),
            None => Said::Nothing,
        })
    }
}

/// The kind of account by its word.
pub(super) fn user_kind(word: &str) -> Option<UserKind> {
    [UserKind::Person, UserKind::Contractor, UserKind::Service, UserKind::BreakGlass]
        .into_iter()
        .find(|k| k.word() == word)
}

/// The visibility by its word.
pub(super) fn visibility(word: &str) -> Option<Visibility> {
    [Visibility::Private, Visibility::Restricted, Visibility::Everyone].into_iter().find(|v| v.word() == word)
}

/// The state by its word, and for an invitation by whether it has run out.
pub(super) fn user_state(word: &str, invited_until: Option<Moment>, now: Moment) -> Option<UserState> {
    match word {
        "active" => Some(UserState::Active),
        "disabled" => Some(UserState::Disabled),
        "invited" if invited_until.is_some_and(|until| until < now) => Some(UserState::InvitationExpired),
        "invited" => Some(UserState::Invited),
        _ => None,
    }
}

/// The six quota columns from `first` on; `None` where none is limited.
pub(super) fn quota(row: &Row<'_>, first: usize) -> Result<Option<QuotaRecord>, TargetError> {
    let number = |offset: usize| {
        optional_int(row, first + offset)?
            .map(|n| u64::try_from(n).map_err(|_| malformed("teams", "a quota below zero")))
            .transpose()
    };
    let quota = QuotaRecord {
        cpu: number(0)?,
        memory: number(1)?.map(Bytes),
        storage: number(2)?.map(Bytes),
        apps: number(3)?,
        workflows: number(4)?,
        workspaces: number(5)?,
    };
    Ok((quota != QuotaRecord::default()).then_some(quota))
}

fn cell<'r>(row: &'r Row<'_>, column: usize) -> Result<ValueRef<'r>, TargetError> {
    row.get_ref(column).map_err(|e| sqlite(&e))
}

fn wrong(row: &Row<'_>, column: usize, wanted: &str) -> TargetError {
    let name = row.as_ref().column_name(column).unwrap_or("?");
    malformed(format!("column {name}"), format!("{wanted} was expected"))
}

/// A number.
pub(super) fn int(row: &Row<'_>, column: usize) -> Result<i64, TargetError> {
    optional_int(row, column)?.ok_or_else(|| wrong(row, column, "a number"))
}

/// A number or nothing.
pub(super) fn optional_int(row: &Row<'_>, column: usize) -> Result<Option<i64>, TargetError> {
    match cell(row, column)? {
        ValueRef::Null => Ok(None),
        ValueRef::Integer(n) => Ok(Some(n)),
        _ => Err(wrong(row, column, "a number")),
    }
}

/// A text.
pub(super) fn text<'r>(row: &'r Row<'_>, column: usize) -> Result<&'r str, TargetError> {
    optional_text(row, column)?.ok_or_else(|| wrong(row, column, "a text"))
}

/// A text or nothing.
pub(super) fn optional_text<'r>(row: &'r Row<'_>, column: usize) -> Result<Option<&'r str>, TargetError> {
    match cell(row, column)? {
        ValueRef::Null => Ok(None),
        ValueRef::Text(bytes) => {
            std::str::from_utf8(bytes).map(Some).map_err(|_| wrong(row, column, "a text in UTF-8"))
        }
        _ => Err(wrong(row, column, "a text")),
    }
}

/// A time or nothing.
pub(super) fn moment(row: &Row<'_>, column: usize) -> Result<Option<Moment>, TargetError> {
    optional_text(row, column)?
        .map(|t| Moment::parse(t).map_err(|_| wrong(row, column, "a time like 2027-01-31T23:59:59Z")))
        .transpose()
}

fn said_text(row: &Row<'_>, column: usize) -> Result<Said<Box<str>>, TargetError> {
    Ok(Said::known(optional_text(row, column)?.map(Into::into)))
}
