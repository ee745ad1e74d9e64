mod changes;
mod conflicts;
mod files;
mod large;
mod property;
mod views;

use std::path::PathBuf;

use super::{DirectoryReader, DirectoryWriter};
use crate::model::*;
use crate::targets::{Reader, Reading, Stamp, TargetError, Writer};

/// Everything that a test needs: a folder, a writer of the directory in it, and the time.
struct Home {
    dir: tempfile::TempDir,
    writer: DirectoryWriter,
}

fn now() -> Moment {
    Moment::parse("2026-11-21T12:00:00Z").unwrap()
}

fn stamp() -> Stamp {
    Stamp { actor: "ada@build-7".into(), apply: 7, digest: "d1".into(), at: now() }
}

fn wait<T>(task: crate::targets::Task<'_, T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(task)
}

impl Home {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let writer = DirectoryWriter::open(dir.path().join("home.db"), now(), 14).unwrap();
        Self { dir, writer }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("home.db")
    }

    fn try_write(&self, change: &Change) -> Result<(), TargetError> {
        wait(self.writer.write(change, &stamp()))
    }

    fn holds(&self, change: &Change) -> bool {
        wait(self.writer.verify(change)).unwrap()
    }

    /// Makes a change; before it does not hold, after it does, and a second time it is a conflict.
    fn write(&self, change: Change) {
        assert!(!self.holds(&change), "{change:?} holds before");
        self.try_write(&change).unwrap();
        assert!(self.holds(&change), "{change:?} does not hold after");
        let again = self.try_write(&change);
        assert!(matches!(again, Err(TargetError::Conflict(_) | TargetError::Gone(_))), "{change:?} again: {again:?}");
    }

    fn reading(&self) -> Reading {
        wait(DirectoryReader::new(self.path(), now()).read()).unwrap()
    }

    fn read(&self) -> Directory {
        self.reading().directory
    }

    fn raw(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.path()).unwrap()
    }
}

fn user(email: &str) -> UserRecord {
    UserRecord { email: email.into(), ..UserRecord::default() }
}

fn role(name: &str, permissions: &[&str]) -> RoleRecord {
    let permissions = permissions.iter().map(|p| (*p).to_owned()).collect();
    RoleRecord { name: name.into(), permissions, ..RoleRecord::default() }
}

fn team(name: &str) -> TeamRecord {
    TeamRecord { name: name.into(), ..TeamRecord::default() }
}

fn resource(name: &str) -> ResourceRecord {
    ResourceRecord { name: name.into(), ..ResourceRecord::default() }
}

fn member(team: &str, user: &str) -> MemberRecord {
    MemberRecord { team: team.into(), user: user.into(), ..MemberRecord::default() }
}

fn granted(role: &str) -> GrantedRole {
    GrantedRole { role: role.into(), until: None, because: None }
}

fn to_user(email: &str) -> PrincipalRecord {
    PrincipalRecord::User(email.into())
}

fn to_team(name: &str) -> PrincipalRecord {
    PrincipalRecord::Team(name.into())
}

fn give(to: PrincipalRecord, resource: &str, roles: &[&str]) -> Change {
    Change::GiveGrant { to, resource: resource.into(), roles: roles.iter().map(|r| granted(r)).collect() }
}

/// A small organization: two roles, three users, a team in a team, a resource in a resource.
fn small() -> Home {
    let home = Home::new();
    home.write(Change::CreateRole { role: role("viewer", &["read"]) });
    home.write(Change::CreateRole {
        role: RoleRecord { administers: true, description: Some("All".into()), ..role("admin", &["read", "write"]) },
    });
    for email in ["ada@acme.com", "bob@acme.com", "eve@acme.com"] {
        home.write(Change::CreateUser { user: user(email) });
    }
    home.write(Change::CreateTeam { team: team("core") });
    home.write(Change::CreateTeam { team: TeamRecord { outer: Some("core".into()), ..team("crew") } });
    home.write(Change::CreateResource { resource: resource("project/fraud") });
    let inner = ResourceRecord { parent: Some("project/fraud".into()), ..resource("workspace/dev") };
    home.write(Change::CreateResource { resource: inner });
    home
}
