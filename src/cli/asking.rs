//! What the questions have in common: of which state they are asked, and what their words mean.

use std::borrow::Cow;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::planning::{Work, runtime, store_folder};
use super::{Failure, Global, load};
use crate::access::{Asked, Asker, At, Files, World};
use crate::config::{TargetDeclaration, nearest};
use crate::diagnostic::Span;
use crate::model::{Change, Directory, Email, ResourceId};
use crate::plan::Plan;
use crate::render::access_json::State;

/// Of which state a question is asked, and how the answer is written.
#[derive(Debug, Clone, Args)]
pub struct StateArgs {
    /// Ask the live state, and not the files
    #[arg(long, conflicts_with = "plan")]
    pub live: bool,
    /// Ask the state that a saved plan leads to
    #[arg(long, value_name = "FILE")]
    pub plan: Option<PathBuf>,
    /// Only this target, or the targets with this label; can be given several times
    #[arg(short, long = "target", value_name = "NAME")]
    pub targets: Vec<String>,
    /// How the answer is written
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: AnswerFormat,
    /// The same as --format json
    #[arg(long)]
    pub json: bool,
}

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AnswerFormat {
    /// For people at a terminal
    Human,
    /// For programs: schemas/answers.schema.json, of blame schemas/blame.schema.json
    Json,
}

impl StateArgs {
    /// Whether JSON is wanted.
    pub fn wants_json(&self) -> bool {
        self.json || self.format == AnswerFormat::Json
    }

    /// Which state is asked.
    pub fn state(&self) -> State {
        match (&self.plan, self.live) {
            (Some(_), _) => State::Planned,
            (None, true) => State::Live,
            (None, false) => State::Declared,
        }
    }
}

/// A target in the state that is asked: a directory, and changes that are taken as made.
pub struct Scene<'d> {
    declared: &'d TargetDeclaration,
    directory: Cow<'d, Directory>,
    changes: Vec<Change>,
}

/// Finds or reads the state that is asked. `resource` may name a target, and then no other is read.
///
/// # Errors
/// When a target is not known or cannot be read, or a plan is stale.
pub fn scenes<'d>(
    global: &Global,
    ready: &'d load::Ready,
    args: &StateArgs,
    resource: Option<&str>,
) -> Result<Vec<Scene<'d>>, Failure> {
    super::planning::check_targets(ready, &args.targets)?;
    let mut wanted = args.targets.clone();
    let prefix = resource.and_then(|r| r.split_once(':')).map(|(p, _)| p.to_owned());
    if let Some(prefix) =
        prefix.filter(|p| wanted.is_empty() && !ready.declaration.select(std::slice::from_ref(p)).is_empty())
    {
        wanted.push(prefix);
    }
    if let Some(path) = &args.plan {
        return planned(global, ready, path, &wanted);
    }
    if !args.live {
        let all = ready.declaration.select(&wanted).into_iter();
        let scene = |declared: &'d TargetDeclaration| Scene {
            declared,
            directory: Cow::Borrowed(&declared.desired.directory),
            changes: Vec::new(),
        };
        return Ok(all.map(scene).collect());
    }
    let work = Work::open_whole(global, ready, &wanted)?;
    let runtime = runtime()?;
    let mut scenes = Vec::new();
    for session in &work.sessions {
        let reading = runtime.block_on(work.read(session))?;
        let directory = Cow::Owned(reading.directory);
        scenes.push(Scene { declared: session.declared, directory, changes: Vec::new() });
    }
    Ok(scenes)
}

/// What a saved plan leads to: refused where the plan is not what would be done now.
fn planned<'d>(
    global: &Global,
    ready: &'d load::Ready,
    path: &std::path::Path,
    wanted: &[String],
) -> Result<Vec<Scene<'d>>, Failure> {
    let reviewed = super::apply::read_plan(path)?;
    let names: Vec<String> = reviewed.targets.iter().map(|t| t.target.clone()).collect();
    let store = super::store::open_existing(global, &store_folder(ready))?;
    let store = store.as_deref();
    let work = Work::open(global, ready, &names)?.since(global, None, Some(&reviewed))?;
    let runtime = runtime()?;
    let (mut scenes, mut plans) = (Vec::new(), Vec::new());
    for session in &work.sessions {
        work.recall(session, store)?;
        let reading = runtime.block_on(work.read(session))?;
        let mut plan = work.plan_of(global, session, &reading, store)?;
        runtime.block_on(work.leaving(session, &reading, &mut plan))?;
        let changes = plan.steps.iter().map(|s| s.change.clone()).collect();
        scenes.push(Scene { declared: session.declared, directory: Cow::Owned(reading.directory), changes });
        plans.push(plan);
    }
    let now = Plan::new(plans, reviewed.consents.clone(), None);
    if now.digest != reviewed.digest {
        let message = format!("the plan in {} is not what would be done now", path.display());
        return Err(super::apply::stale(&message, &reviewed, &now));
    }
    let selected: Vec<&str> = ready.declaration.select(wanted).into_iter().map(|t| t.name.as_str()).collect();
    scenes.retain(|s| selected.contains(&s.declared.name.as_str()));
    Ok(scenes)
}

/// A target that is asked.
pub struct Stage<'w, 'a> {
    /// What the files say of it.
    pub declared: &'w TargetDeclaration,
    /// Where they say it.
    pub files: &'w Files<'w, Span>,
    /// Answers.
    pub asker: Asker<'w, 'a>,
}

/// Asks the targets.
pub fn ask<R>(global: &Global, ready: &load::Ready, scenes: &[Scene<'_>], f: impl FnOnce(&[Stage<'_, '_>]) -> R) -> R {
    let locate = |span: Span| ready.sources.location(span);
    let files: Vec<Files<'_, Span>> =
        scenes.iter().map(|s| Files { desired: &s.declared.desired, locate: &locate }).collect();
    let world = |s| {
        let Scene { declared, directory, changes }: &Scene<'_> = s;
        World::with(directory, &declared.desired.catalogue, global.now(), changes.iter())
    };
    let worlds: Vec<World<'_>> = scenes.iter().map(world).collect();
    let stages: Vec<Stage<'_, '_>> = scenes
        .iter()
        .zip(&files)
        .zip(&worlds)
        .map(|((scene, files), world)| Stage {
            declared: scene.declared,
            files,
            asker: Asker::new(world, At::After, Some(files)),
        })
        .collect();
    f(&stages)
}

/// The e-mail that a text means: of a short name, or the text itself in its compared form.
pub fn email(ready: &load::Ready, text: &str) -> String {
    if let Some(email) = ready.declaration.short_names.get(text) {
        return email.clone();
    }
    Email::parse(text).map_or_else(|_| text.to_owned(), |e| e.as_str().to_owned())
}

/// That a user is in none of the targets.
pub fn unknown_user(ready: &load::Ready, stages: &[Stage<'_, '_>], text: &str) -> Failure {
    let short = ready.declaration.short_names.keys().map(String::as_str);
    let live = stages.iter().flat_map(|s| s.asker.world().live().users().iter().map(|u| &*u.email));
    // The first part of one address alone is meant for it.
    let mut begins = live.clone().filter(|email| email.split('@').next() == Some(text));
    let one = begins.next().filter(|first| begins.all(|other| other == *first));
    let near = one.or_else(|| nearest(text, short.chain(live)));
    let help = near.map_or_else(|| "name a user by e-mail or by the short name of the files".to_owned(), did_you_mean);
    Failure::error(format!("there is no user `{text}`{}", in_targets(stages))).help(help)
}

fn did_you_mean(near: &str) -> String {
    format!("did you mean `{near}`?")
}

fn in_targets(stages: &[Stage<'_, '_>]) -> String {
    match stages {
        [one] => format!(" in `{}`", one.declared.name),
        _ => String::new(),
    }
}

/// The stages that have a resource, with its number. A target or label may stand in front of its name.
///
/// # Errors
/// When there is no such resource.
pub fn with_resource<'s, 'w, 'a>(
    ready: &load::Ready,
    stages: &'s [Stage<'w, 'a>],
    text: &str,
) -> Result<Vec<(&'s Stage<'w, 'a>, ResourceId)>, Failure> {
    let prefix = text.split_once(':').filter(|(p, _)| !ready.declaration.select(&[(*p).to_owned()]).is_empty());
    let name = prefix.map_or(text, |(_, rest)| rest);
    let fits = |s: &&Stage<'_, '_>| {
        prefix.is_none_or(|(p, _)| p == s.declared.name || s.declared.labels.iter().any(|l| l == p))
    };
    let found: Vec<(&Stage<'_, '_>, ResourceId)> =
        stages.iter().filter(fits).filter_map(|s| Some((s, s.asker.world().find_resource(name)?))).collect();
    if found.is_empty() {
        let known = stages.iter().filter(fits).flat_map(|s| {
            let world = s.asker.world();
            (0..world.resources_len()).map(move |r| world.resource_name(ResourceId(r)))
        });
        let near = nearest(name, known);
        let help = near.map_or_else(|| "name it as in the files: kind/name".to_owned(), did_you_mean);
        return Err(Failure::error(format!("there is no resource `{text}`")).help(help));
    }
    Ok(found)
}

/// What a permission or role means in one target: declared roles mean what they are mapped to.
pub fn asked(ready: &load::Ready, stage: &Stage<'_, '_>, text: &str) -> Option<Asked> {
    let prefixed = text.split_once(':').filter(|(p, _)| *p == stage.declared.name);
    let mapped = ready.declaration.role_names.get(&stage.declared.name).and_then(|roles| roles.get(text));
    let name = mapped.map_or_else(|| prefixed.map_or(text, |(_, rest)| rest), String::as_str);
    stage.asker.asked(name).map(|found| found.named(text))
}

/// That a permission or role is in none of the targets.
pub fn unknown_ability(ready: &load::Ready, stages: &[&Stage<'_, '_>], text: &str) -> Failure {
    let mut known: Vec<String> = stages.iter().flat_map(|s| s.asker.askable()).collect();
    let roles = stages.iter().filter_map(|s| ready.declaration.role_names.get(&s.declared.name));
    known.extend(roles.flat_map(|r| r.keys().cloned()));
    known.sort();
    known.dedup();
    let near = nearest(text, known.iter().map(String::as_str));
    let help = near.map_or_else(
        || {
            if known.len() <= 30 {
                format!("there are: {}", known.join(", "))
            } else {
                "name one of the catalogue".into()
            }
        },
        did_you_mean,
    );
    Failure::error(format!("there is no permission or role `{text}`")).help(help)
}
