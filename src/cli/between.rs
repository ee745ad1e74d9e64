//! The plan between two revisions: what a branch changes, without any system being asked.

use super::planning::{context, offline};
use super::revision::{self, Earlier};
use super::{Failure, Global, Ui, load};
use crate::config::{Declaration, TargetDeclaration, nearest};
use crate::diagnostic::{Severity, Span};
use crate::model::{Builder, Desired, Directory, Kind, Role, Said};
use crate::plan::{Between, Consent, Hands, Plan, Revision, no_longer_declared};
use crate::targets::PROFILES;

/// What is compared.
pub struct Asked<'a> {
    /// The revision from which.
    pub base: &'a str,
    /// The revision to which; the files as they are without one.
    pub head: Option<&'a str>,
    /// Which targets; all without any.
    pub targets: &'a [String],
    /// What is agreed to.
    pub accept: &'a [Consent],
    /// Whether warnings are errors.
    pub strict: bool,
}

/// Makes the plan. What is wrong with the files is shown; with it comes whether the change adds an error.
/// Nothing where nothing can be made of the files.
///
/// # Errors
/// When a revision is not to be had.
pub fn between(ui: &mut Ui, global: &Global, asked: &Asked<'_>) -> Result<Option<(Plan, bool)>, Failure> {
    let base = revision::earlier(global, asked.base, asked.head)?;
    let (head, loaded) = match asked.head {
        Some(named) => {
            let (revision, loaded) = revision::head(global, named)?;
            (Some(revision), loaded)
        }
        None => (None, crate::config::load(&global.file, &PROFILES, global.now())),
    };
    let read = load::judged(loaded, global.now(), false, |_| {}).against(&base.findings, asked.strict);
    let worth: Vec<_> = read.findings.iter().filter(|f| f.severity == Severity::Error).cloned().collect();
    ui.findings(&worth, &read.sources);
    let broken = read.is_broken();
    let warnings: Vec<_> = read.findings.iter().filter(|f| f.severity == Severity::Warning).cloned().collect();
    if !warnings.is_empty() {
        let count = crate::render::findings_human::summary(&warnings);
        let base = asked.base;
        ui.note(&format!("The files have {count}: `rolecall validate --base {base}` shows what and where.\n\n"));
    }
    let Some(declaration) = read.declaration else { return Ok(None) };
    let ready = load::Ready { declaration, sources: read.sources, findings: Vec::new() };
    plan(global, &ready, &base, head, asked).map(|plan| Some((plan, broken)))
}

fn plan(
    global: &Global,
    ready: &load::Ready,
    base: &Earlier,
    head: Option<Revision>,
    asked: &Asked<'_>,
) -> Result<Plan, Failure> {
    check_targets(&ready.declaration, base, asked.targets)?;
    let mut notes = Vec::new();
    let was = |name: &str| base.declaration.as_ref().and_then(|d| d.targets.iter().find(|t| t.name == name));
    let mut plans = Vec::new();
    let locate = |span: Span| ready.sources.location(span);
    for declared in ready.declaration.select(asked.targets) {
        let desired = &declared.desired;
        let (live, ownership) = match was(&declared.name) {
            Some(before) => {
                (before.desired.directory.clone(), Some(before.desired.manage.ownership(&before.desired.directory)))
            }
            None => {
                if base.declaration.is_some() {
                    notes.push(format!("the target {} is new", declared.name));
                }
                (nothing_but_roles(desired), None)
            }
        };
        let reader = offline(global, ready, declared)?;
        let hands = Hands { reach: None, contains: reader.contains_blocks(), resends: reader.resends() };
        let tests = &ready.declaration.tests;
        let context = context(global, declared, &*reader, ownership.as_ref(), hands, &locate, tests);
        let mut plan = crate::plan::plan(desired, &live, &context);
        plan.notes.extend(no_longer_declared(desired, &live, &plan));
        // Nothing was read that could have been left alone.
        plan.left_alone.clear();
        plans.push(plan);
    }
    let gone = base.declaration.iter().flat_map(|d| d.select(asked.targets));
    let there = |t: &&TargetDeclaration| ready.declaration.targets.iter().any(|n| n.name == t.name);
    for target in gone.filter(|t| !there(t)) {
        notes.push(format!("the target {} is no longer declared: everything in it stays as it is", target.name));
    }
    let commit = match &head {
        Some(head) => Some(head.commit.clone()),
        None => revision::commit_of(&ready.declaration.root),
    };
    let between = Between { base: base.revision.clone(), head, notes };
    Ok(Plan::new(plans, asked.accept.to_vec(), commit).between(between))
}

/// Checks that every wanted name is that of a target or label, now or before.
fn check_targets(now: &Declaration, base: &Earlier, wanted: &[String]) -> Result<(), Failure> {
    for name in wanted {
        let one = std::slice::from_ref(name);
        if now.select(one).is_empty() && base.declaration.as_ref().is_none_or(|d| d.select(one).is_empty()) {
            let known: Vec<&str> = now.targets.iter().map(|t| t.name.as_str()).collect();
            let near = nearest(name, known.iter().copied());
            let help = near.map_or(format!("there are: {}", known.join(", ")), |n| format!("did you mean `{n}`?"));
            return Err(Failure::error(format!("there is no target or label `{name}`")).help(help));
        }
    }
    Ok(())
}

/// A system in which there is nothing yet but the roles that it has of itself.
fn nothing_but_roles(desired: &Desired<Span>) -> Directory {
    let mut builder = Builder::new();
    let said = desired.manage.rule(Kind::Role).mentioned;
    for id in (0..desired.directory.roles().len() as u32).map(crate::model::RoleId) {
        let record = desired.directory.role_record(id);
        if said && !desired.catalogue.roles.contains_key(&record.name) {
            continue;
        }
        let permissions = record.permissions.iter().map(|p| builder.permission(p)).collect();
        let description = Said::known(record.description.map(Into::into));
        let role = Role { name: record.name.into(), description, permissions, administers: record.administers };
        builder.role(role, ());
    }
    builder.finish().map(|(directory, ..)| directory).unwrap_or_default()
}
