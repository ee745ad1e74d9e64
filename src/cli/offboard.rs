//! `rolecall offboard`

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;
use futures_util::future::join_all;

use super::apply::{ApplyArgs, Ended, carry_out};
use super::planning::{Work, runtime, store_folder};
use super::{Exit, Failure, Global, Ui, load};
use crate::config::{TargetDeclaration, edit};
use crate::diagnostic::Location;
use crate::model::{Email, UserState};
use crate::plan::{Consent, Plan, Unread, mentions};
use crate::render::{clean, plan_terminal};
use crate::targets::remains;

/// End somebody's access everywhere, now.
///
/// Writes a block into the files, and shows the plan over all targets: first what cuts them off and can be
/// undone, then what the rules for removal ask for, with its preparations. With --apply the plan is carried
/// out, and the report says when their last access ended. A target that cannot be reached, or whose plan is
/// blocked, is left out and named: the others do not wait for it. At the end stands where no file knows them and
/// they have an account all the same, and what rolecall cannot take away.
#[derive(Debug, Args)]
pub struct OffboardArgs {
    /// Who: the e-mail address
    #[arg(value_name = "USER")]
    user: String,
    /// Why: it stands in the files, and in the history
    #[arg(long, value_name = "TEXT")]
    because: Option<String>,
    /// Apply the plan after showing it and asking
    #[arg(long)]
    apply: bool,
    /// Apply the plan without asking
    #[arg(long)]
    auto_approve: bool,
    /// Agree to what a guard stops, by its number: irreversible.user=1
    #[arg(long, value_name = "WHAT=N", value_parser = super::planning::parse_consent)]
    accept: Vec<Consent>,
}

/// Runs the command.
///
/// # Errors
/// When nobody of that address is declared, the block cannot be written, or a target cannot be read.
pub fn offboard(ui: &mut Ui, global: &Global, args: &OffboardArgs) -> Result<Exit, Failure> {
    let start = Instant::now();
    let ready = match load::ready(ui, global, false) {
        Ok(ready) => ready,
        Err(exit) => return Ok(exit),
    };
    let email = Email::parse(&args.user)
        .map_err(|_| Failure::error(format!("`{}` is no e-mail address", clean(&args.user))))?
        .as_str()
        .to_owned();
    if declared(&ready, &email).is_empty() {
        let unknown = Unknown::look(global, &ready, &email)?;
        let mut message = format!("nobody is declared as {email}");
        if !unknown.there.is_empty() {
            message.push_str(&format!(", who has an account all the same in: {}", unknown.names()));
        }
        if !unknown.unread.is_empty() {
            message.push_str(&format!("; these could not be looked at: {}", targets(&unknown.unread)));
        }
        return Err(Failure::error(message).help(
            "where they have an account all the same, declare them first: `users: {ADDRESS: {at: {TARGET: {}}}}`",
        ));
    }
    let ready = match blocked(&ready, &email) {
        true => {
            ui.note(&format!("{email} is blocked in every target already.\n\n"));
            ready
        }
        false => match write(ui, global, &ready, &email, args.because.as_deref())? {
            Some(ready) => ready,
            None => return Ok(Exit::Error),
        },
    };
    let mut exit = Exit::Done;
    if args.apply || args.auto_approve {
        let apply = ApplyArgs::unattended(args.accept.clone(), args.auto_approve);
        let ended = carry_out(ui, global, &apply, Some(&email))?;
        exit = match ended.exit {
            Exit::Done if !ended.left_out.is_empty() => Exit::Partial,
            exit => exit,
        };
        ui.out(&when(&email, start, &ended));
        let unknown = Unknown::look(global, &ready, &email)?;
        ui.out(&unknown.told(&email));
        if exit == Exit::Done && !unknown.is_empty() {
            exit = Exit::Partial;
        }
    } else {
        let plan = plan(global, &ready, &args.accept)?;
        ui.out(&plan_terminal::plan(&plan, ui.out_style()));
        if plan.is_blocked() {
            exit = Exit::Blocked;
        } else if !plan.unread.is_empty() {
            exit = Exit::Error;
        }
        let unknown = Unknown::look(global, &ready, &email)?;
        ui.out(&unknown.told(&email));
        if exit == Exit::Done && !unknown.unread.is_empty() {
            exit = Exit::Error;
        }
    }
    ui.out(&left(&ready, &email));
    Ok(exit)
}

/// Where somebody is declared, sorted, each place once.
fn declared(ready: &load::Ready, email: &str) -> Vec<Location> {
    let mut places: Vec<Location> = Vec::new();
    for target in &ready.declaration.targets {
        let desired = &target.desired;
        let Some(id) = desired.directory.find_user(email) else { continue };
        let Some(span) = desired.origins.users.get(id.index()) else { continue };
        places.push(ready.sources.location(*span));
    }
    places.sort_by_key(ToString::to_string);
    places.dedup();
    places
}

/// Whether somebody is blocked wherever they are declared.
fn blocked(ready: &load::Ready, email: &str) -> bool {
    let mut targets = ready.declaration.targets.iter().filter(|t| t.desired.directory.find_user(email).is_some());
    targets.all(|t| t.desired.blocks.contains_key(email))
}

/// Writes the block, and reads the files again: nothing when they do not hold any more, and then the file is
/// as it was before.
fn write(
    ui: &mut Ui,
    global: &Global,
    ready: &load::Ready,
    email: &str,
    because: Option<&str>,
) -> Result<Option<load::Ready>, Failure> {
    let because = because.map(|b| format!(", because: {}", edit::scalar(b))).unwrap_or_default();
    // Where they are blocked in some targets already, the others are named.
    let there = |t: &&TargetDeclaration| t.desired.directory.find_user(email).is_some();
    let (done, open): (Vec<_>, Vec<_>) =
        ready.declaration.targets.iter().filter(there).partition(|t| t.desired.blocks.contains_key(email));
    let names: Vec<String> = open.iter().map(|t| edit::scalar(&t.name)).collect();
    let only = if done.is_empty() { String::new() } else { format!(", targets: [{}]", names.join(", ")) };
    let item = format!("{{user: {}{because}{only}}}", edit::scalar(email));
    let (path, before, after) = place(ready, &item);
    let file = ready.declaration.root.join(&path);
    let failed = |e: std::io::Error| Failure::error(format!("the block cannot be written to {}: {e}", file.display()));
    // The file is known by the name that people see, and may have been saved since.
    if let Some(text) = &before
        && std::fs::read_to_string(&file).ok().as_deref() != Some(text)
    {
        let message = format!("{} has changed meanwhile, or cannot be named", file.display());
        return Err(Failure::error(message).help("write the block by hand: `blocks: [{user: ADDRESS}]`"));
    }
    // Whole or not at all: what is not yet in place ends in `.new`, and is not read.
    let beside = file.with_extension("yaml.new");
    std::fs::write(&beside, after).and_then(|()| std::fs::rename(&beside, &file)).map_err(failed)?;
    let read = load::ready(ui, global, false);
    let holds = read.as_ref().is_ok_and(|r| blocked(r, email));
    if !holds {
        match before {
            Some(text) => std::fs::write(&file, text).map_err(failed)?,
            None => std::fs::remove_file(&file).map_err(failed)?,
        }
        ui.failure(
            &Failure::error(format!(
                "with a block of {email} the files do not hold, and {} is as before",
                path.display()
            ))
            .help("write the block by hand: `blocks: [{user: ADDRESS}]`"),
        );
        return Ok(None);
    }
    let shown = file.strip_prefix(".").unwrap_or(&file);
    ui.note(&format!("Wrote the block of {email} into {}.\n\n", shown.display()));
    Ok(read.ok())
}

/// The file that gets the block, below the root, and its text before and after: one that has a list of blocks,
/// or a new one.
fn place(ready: &load::Ready, item: &str) -> (PathBuf, Option<String>, String) {
    for (_, source) in ready.sources.iter() {
        if let Some(after) = edit::append(&source.text, "blocks", item) {
            return (PathBuf::from(&source.path), Some(source.text.clone()), after);
        }
    }
    let taken = |name: &str| Path::new(&ready.declaration.root).join(name).exists();
    let mut name = "blocks.yaml".to_owned();
    let mut number = 1;
    while taken(&name) {
        number += 1;
        name = format!("blocks-{number}.yaml");
    }
    let text = format!("# Whoever stands here has no access anywhere, until the line goes.\nblocks:\n  - {item}\n");
    (PathBuf::from(name), None, text)
}

fn plan(global: &Global, ready: &load::Ready, accept: &[Consent]) -> Result<Plan, Failure> {
    let store = super::store::open_existing(global, &store_folder(ready))?;
    // One that cannot be opened is named, and the others are planned all the same.
    let (work, closed) = Work::open_each(global, ready, &[])?;
    runtime()?.block_on(work.plan(global, store.as_deref(), accept, &closed))
}

/// `bi (out of reach), dbt (...)`.
fn targets(unread: &[Unread]) -> String {
    let one = |u: &Unread| format!("{} ({})", u.target, clean(&u.why));
    unread.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// Where somebody may have an account of which no file knows: no block reaches it.
struct Unknown {
    /// The target, and what they are there.
    there: Vec<(String, String)>,
    /// Where nobody could look.
    unread: Vec<Unread>,
}

impl Unknown {
    /// Looks in every target where they are not declared.
    fn look(global: &Global, ready: &load::Ready, email: &str) -> Result<Self, Failure> {
        let strange = |t: &&TargetDeclaration| t.desired.directory.find_user(email).is_none();
        let names: Vec<String> = ready.declaration.targets.iter().filter(strange).map(|t| t.name.clone()).collect();
        let mut unknown = Self { there: Vec::new(), unread: Vec::new() };
        if names.is_empty() {
            return Ok(unknown);
        }
        let (work, closed) = Work::open_each(global, ready, &names)?;
        // A name can be a label as well.
        let sessions: Vec<_> = work.sessions.iter().filter(|s| names.contains(&s.declared.name)).collect();
        unknown.unread = closed.into_iter().filter(|u| names.contains(&u.target)).collect();
        let readings = runtime()?.block_on(join_all(sessions.iter().map(|s| s.reader.read())));
        for (session, reading) in sessions.into_iter().zip(readings) {
            let target = session.declared.name.clone();
            match reading {
                Ok(reading) => {
                    let live = &reading.directory;
                    let found = live.find_user(email).map(|id| live.user_record(id));
                    if let Some(user) = found.filter(|u| u.state != UserState::Disabled) {
                        let role = user.role.map(|r| format!(", {r}")).unwrap_or_default();
                        unknown.there.push((target, format!("{}{role}", user.state.word())));
                    } else if !reading.doubts.is_empty() {
                        unknown.unread.push(Unread { target, why: reading.doubts.join("; ") });
                    }
                }
                Err(error) => unknown.unread.push(Unread { target, why: error.to_string() }),
            }
        }
        unknown.unread.sort_by(|a, b| a.target.cmp(&b.target));
        Ok(unknown)
    }

    fn is_empty(&self) -> bool {
        self.there.is_empty() && self.unread.is_empty()
    }

    fn names(&self) -> String {
        self.there.iter().map(|(target, what)| format!("{target} ({})", clean(what))).collect::<Vec<_>>().join(", ")
    }

    fn told(&self, email: &str) -> String {
        let mut out = String::new();
        if !self.there.is_empty() {
            out.push_str(&format!(
                "\nNo file knows {email} there, so that no block reaches it, and they have an account in:\n"
            ));
            for (target, what) in &self.there {
                out.push_str(&format!("  {target}  {}\n", clean(what)));
            }
            let at: Vec<String> = self.there.iter().map(|(target, _)| format!("{target}: {{}}")).collect();
            out.push_str(&format!(
                "Declare them there, and offboard them again: `users: {{{email}: {{at: {{{}}}}}}}`\n",
                at.join(", ")
            ));
        }
        if !self.unread.is_empty() {
            out.push_str(&format!("\nWhether they have an account there is not known: {}.\n", targets(&self.unread)));
        }
        out
    }
}

/// When the last access ended, target by target; and where that is not known.
fn when(email: &str, start: Instant, ended: &Ended) -> String {
    let mut out = String::new();
    let after = |at: Instant| seconds(at.duration_since(start));
    if let Some(last) = ended.losses.values().max() {
        out.push_str(&format!("\nThe last access of {email} ended {} after the start.\n", after(*last)));
        for (target, at) in &ended.losses {
            out.push_str(&format!("  {target}  after {}\n", after(*at)));
        }
    } else {
        out.push_str(&format!("\nNothing of {email} was taken away.\n"));
    }
    let mut open: Vec<String> = ended.left_out.iter().map(|u| targets(std::slice::from_ref(u))).collect();
    for unread in ended.report.iter().flat_map(|r| &r.unread) {
        open.push(targets(std::slice::from_ref(unread)));
    }
    for target in ended.report.iter().flat_map(|r| &r.targets) {
        let about = |s: &&crate::apply::StepReport| mentions(&s.change).iter().any(|(_, name)| *name == email);
        let missing = target.steps.iter().filter(about).filter(|s| s.fate != crate::apply::Fate::Applied).count();
        if missing > 0 {
            open.push(format!("{} ({missing} of the changes were not made)", target.target));
        }
    }
    open.sort();
    if !open.is_empty() {
        out.push_str(&format!("They may still have access in: {}.\n", open.join(", ")));
    }
    out
}

/// `4.2 s`, `2 min 5 s`.
fn seconds(time: Duration) -> String {
    match time.as_secs() {
        0..60 => format!("{:.1} s", time.as_secs_f64()),
        all => format!("{} min {} s", all / 60, all % 60),
    }
}

/// What rolecall cannot take away, and what is to be done with the files afterwards.
fn left(ready: &load::Ready, email: &str) -> String {
    let mut out = String::new();
    for target in &ready.declaration.targets {
        if target.desired.directory.find_user(email).is_none() {
            continue;
        }
        for text in remains(target.provider.word()) {
            out.push_str(&format!("  {}  {text}\n", target.name));
        }
    }
    if !out.is_empty() {
        out = format!("\nNot in rolecall's power:\n{out}");
    }
    let places: Vec<String> = declared(ready, email).iter().map(ToString::to_string).collect();
    out.push_str(&format!(
        "\nThe block holds until its line goes. To take the account itself away, in a change of its own: take it out\n\
         at {}; `rolecall validate` then shows which lists still name it.\n",
        places.join(", ")
    ));
    out
}
