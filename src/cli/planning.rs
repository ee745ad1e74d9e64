//! From a declaration to a plan: what `plan` and `apply` have in common.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use clap::Args;
use futures_util::future::join_all;

use super::revision::Earlier;
use super::{Exit, Failure, Global, Ui, load};
use crate::config::{ProviderName, TargetDeclaration, Template};
use crate::diagnostic::{Location, Severity, Span};
use crate::invariants::Applier;
use crate::model::{Change, Claim, Desired, Ownership};
use crate::plan::{Consent, Context, Forecast, Hands, Note, Options, Plan, Subject, TargetPlan, Unread, shrunk};
use crate::store::Store;
use crate::targets::http::Secret;
use crate::targets::{Address, Known, Link, OpenError, Reader, Reading, TargetError, Wanted, Wire};

/// Which targets, and what is agreed to.
#[derive(Debug, Clone, Args)]
pub struct Selection {
    /// Only this target, or the targets with this label; can be given several times
    #[arg(short, long = "target", value_name = "NAME")]
    pub targets: Vec<String>,
    /// Agree to what a guard stops, by its number: removal.member=104, takeover.user=12
    #[arg(long, value_name = "WHAT=N", value_parser = parse_consent)]
    pub accept: Vec<Consent>,
    /// Take warnings about the files for errors
    #[arg(long, env = "ROLECALL_STRICT", value_parser = clap::builder::BoolishValueParser::new())]
    pub strict: bool,
}

pub(super) fn parse_consent(text: &str) -> Result<Consent, String> {
    text.parse::<Consent>().map_err(|e| e.to_string())
}

/// A target of this run, with its address filled in and a reader.
pub struct Session<'d> {
    /// What the files say of it.
    pub declared: &'d TargetDeclaration,
    /// The connection to it.
    pub link: Link,
    /// Reads it.
    pub reader: Box<dyn Reader>,
}

/// Everything that this run works on.
pub struct Work<'d> {
    /// The declaration.
    pub ready: &'d load::Ready,
    /// The targets, by name.
    pub sessions: Vec<Session<'d>>,
    /// The files as they were, where only what changed since is to be done.
    pub since: Option<Earlier>,
    /// Whether what had drifted before is mended as well; the rules of before judge it all the same.
    pub with_drift: bool,
    /// Whether only what is over is taken away.
    pub only_over: bool,
}

/// The folder below which rolecall remembers, in `.rolecall`.
pub fn store_folder(ready: &load::Ready) -> PathBuf {
    ready.declaration.root.clone()
}

impl<'d> Work<'d> {
    /// Opens readers for the selected targets.
    ///
    /// # Errors
    /// When nothing is selected, a variable is not set, or a target cannot be opened.
    pub fn open(global: &Global, ready: &'d load::Ready, wanted: &[String]) -> Result<Self, Failure> {
        Self::open_for(global, ready, wanted, false)
    }

    /// The same to see everything that is there, also what no file speaks of.
    ///
    /// # Errors
    /// The same.
    pub fn open_whole(global: &Global, ready: &'d load::Ready, wanted: &[String]) -> Result<Self, Failure> {
        Self::open_for(global, ready, wanted, true)
    }

    /// The same, each target by itself: those that cannot be opened are named beside the others.
    ///
    /// # Errors
    /// When nothing is selected.
    pub fn open_each(
        global: &Global,
        ready: &'d load::Ready,
        wanted: &[String],
    ) -> Result<(Self, Vec<Unread>), Failure> {
        check_targets(ready, wanted)?;
        let (mut sessions, mut unread) = (Vec::new(), Vec::new());
        for declared in ready.declaration.select(wanted) {
            match open_one(global, ready, declared, false) {
                Ok(session) => sessions.push(session),
                Err(Failure { message, help, .. }) => {
                    let help = help.map(|h| format!(" ({h})")).unwrap_or_default();
                    unread.push(Unread { target: declared.name.clone(), why: format!("{message}{help}") });
                }
            }
        }
        Ok((Self { ready, sessions, since: None, with_drift: false, only_over: false }, unread))
    }

    fn open_for(global: &Global, ready: &'d load::Ready, wanted: &[String], whole: bool) -> Result<Self, Failure> {
        check_targets(ready, wanted)?;
        let mut sessions = Vec::new();
        let mut failures: Vec<Failure> = Vec::new();
        for declared in ready.declaration.select(wanted) {
            match open_one(global, ready, declared, whole) {
                Ok(session) => sessions.push(session),
                Err(failure) => failures.push(failure),
            }
        }
        // All of them at once, each with its own advice.
        if let Some(first) = failures.first() {
            let message: Vec<&str> = failures.iter().map(|f| f.message.as_str()).collect();
            let mut advice: Vec<&str> = Vec::new();
            for help in failures.iter().filter_map(|f| f.help.as_deref()) {
                if !advice.contains(&help) {
                    advice.push(help);
                }
            }
            return Err(Failure { message: message.join("\n       "), help: Some(advice.join("\n")), ..first.clone() });
        }
        Ok(Self { ready, sessions, since: None, with_drift: false, only_over: false })
    }

    /// The same, where only what changed since a revision is to be done; and where a reviewed plan is about that,
    /// what changed since its revision.
    ///
    /// # Errors
    /// When the revision is not to be had.
    pub fn since(self, global: &Global, named: Option<&str>, reviewed: Option<&Plan>) -> Result<Self, Failure> {
        let reviewed = reviewed.and_then(|r| r.since.as_ref());
        let since = match (named, reviewed) {
            (Some(_), Some(_)) => {
                return Err(Failure::error("--since belongs to the making of a plan, and this one is made")
                    .help("make the plan again with `rolecall plan --since REV --out`"));
            }
            (Some(named), None) => Some(super::revision::earlier(global, named, None)?),
            (None, Some(reviewed)) => {
                let mut earlier = super::revision::earlier(global, &reviewed.commit, None)?;
                earlier.revision.named.clone_from(&reviewed.named);
                Some(earlier)
            }
            (None, None) => None,
        };
        Ok(Self { since, ..self })
    }

    /// What the files wanted of a target at the revision since which only what changed is to be done.
    fn before(&self, target: &str) -> Option<&Desired<Span>> {
        let declaration = self.since.as_ref()?.declaration.as_ref()?;
        declaration.targets.iter().find(|t| t.name == target).map(|t| &t.desired)
    }

    /// Reads every target and makes the plan.
    ///
    /// # Errors
    /// When the store cannot be read, or no target can. Where some can, the plan is for those, and names the
    /// others; those in `given_up` are not read.
    pub async fn plan(
        &self,
        global: &Global,
        store: Option<&dyn Store>,
        consents: &[Consent],
        given_up: &[Unread],
    ) -> Result<Plan, Failure> {
        let taken = |s: &&Session<'_>| !given_up.iter().any(|u| u.target == s.declared.name);
        let sessions: Vec<&Session<'_>> = self.sessions.iter().filter(taken).collect();
        for session in &sessions {
            self.recall(session, store)?;
        }
        let mut plans: Vec<TargetPlan> = Vec::new();
        let mut unread = given_up.to_vec();
        let mut first: Option<Failure> = None;
        // Each waits for its own system.
        let readings = join_all(sessions.iter().map(|session| session.reader.read())).await;
        for (session, reading) in sessions.into_iter().zip(readings) {
            let name = &session.declared.name;
            let mut give_up = |why: String, failure: Failure| {
                unread.push(Unread { target: name.clone(), why });
                first.get_or_insert(failure);
            };
            let reading = match reading {
                Ok(reading) => reading,
                Err(error) => {
                    give_up(error.to_string(), unreadable(name, &error));
                    continue;
                }
            };
            let mut plan = self.plan_of(global, session, &reading, store)?;
            let looked = async {
                self.leaving(session, &reading, &mut plan).await?;
                self.remarks(session, &mut plan).await
            };
            match looked.await {
                Ok(()) => plans.push(plan),
                Err(failure) => give_up(failure.message.clone(), failure),
            }
        }
        if plans.is_empty()
            && let Some(failure) = first
        {
            return Err(failure);
        }
        let commit = super::revision::commit_of(&self.ready.declaration.root);
        let since = self.since.as_ref().filter(|_| !self.with_drift).map(|s| s.revision.clone());
        Ok(Plan::new(plans, consents.to_vec(), commit).since(since).without(unread))
    }

    /// Tells a target's reader what was known of it.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn recall(&self, session: &Session<'_>, store: Option<&dyn Store>) -> Result<(), Failure> {
        let Some(store) = store else { return Ok(()) };
        let ids = store.identities(&session.declared.name).map_err(|e| Failure::error(e.to_string()))?;
        session.reader.recall(Known::new(ids, &session.declared.desired));
        Ok(())
    }

    /// Reads one target.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn read(&self, session: &Session<'_>) -> Result<Reading, Failure> {
        session.reader.read().await.map_err(|e| unreadable(&session.declared.name, &e))
    }

    /// Looks at what the accounts own that a plan takes away for good.
    ///
    /// # Errors
    /// When that cannot be read.
    pub async fn leaving(
        &self,
        session: &Session<'_>,
        reading: &Reading,
        plan: &mut TargetPlan,
    ) -> Result<(), Failure> {
        // Who goes for good, and who can come back.
        let disabled = plan.steps.iter().filter_map(|step| match &step.change {
            Change::DisableUser { user, .. } => Some(user.email.clone()),
            _ => None,
        });
        let leavers: BTreeSet<String> = plan.irreversible.iter().cloned().chain(disabled).collect();
        if leavers.is_empty() {
            return Ok(());
        }
        let leavers: Vec<String> = leavers.into_iter().collect();
        let name = &session.declared.name;
        let owned =
            session.reader.belongings(&leavers).await.map_err(|e| {
                Failure::error(format!("what those own who leave the target `{name}` cannot be read: {e}"))
            })?;
        let successor = session.declared.desired.rules.removal.transfer_to.as_deref();
        crate::plan::leaving(plan, &reading.directory, successor, &owned);
        Ok(())
    }

    /// Adds what the target has to say of a plan.
    ///
    /// # Errors
    /// When that cannot be read.
    async fn remarks(&self, session: &Session<'_>, plan: &mut TargetPlan) -> Result<(), Failure> {
        let changes: Vec<&Change> =
            plan.steps.iter().map(|s| &s.change).chain(plan.observed.iter().map(|o| &o.change)).collect();
        let name = &session.declared.name;
        let notes = session.reader.remarks(&changes).await;
        let notes = notes
            .map_err(|e| Failure::error(format!("what the target `{name}` says of a plan cannot be read: {e}")))?;
        plan.notes.extend(notes);
        Ok(())
    }

    /// Plans one target from what was read.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn plan_of(
        &self,
        global: &Global,
        session: &Session<'_>,
        reading: &Reading,
        store: Option<&dyn Store>,
    ) -> Result<TargetPlan, Failure> {
        let declared = session.declared;
        let ownership = match store {
            Some(store) => crate::apply::memory(&declared.name, store).map_err(|e| Failure::error(e.to_string()))?,
            None => None,
        };
        let locate = |span: Span| self.ready.sources.location(span);
        let reach = |change: &Change| session.reader.reach(change);
        let hands = Hands {
            reach: Some(&reach),
            contains: session.reader.contains_blocks(),
            resends: session.reader.resends(),
        };
        let tests = &self.ready.declaration.tests;
        let context = context(global, declared, &*session.reader, ownership.as_ref(), hands, &locate, tests);
        let before = self.before(&declared.name);
        let context = Context {
            since: before.filter(|_| !self.with_drift),
            rules_before: before.map(|b| &b.rules),
            only_over: self.only_over,
            ..context
        };
        let mut plan = crate::plan::plan(&declared.desired, &reading.directory, &context);
        plan.doubts.clone_from(&reading.doubts);
        let known = reading.notes.iter().map(|n| Note { rule: None, message: n.clone(), help: None, declared: None });
        plan.notes.extend(known);
        let last = store.map(|s| s.last_read(&declared.name)).transpose().map_err(|e| Failure::error(e.to_string()))?;
        plan.shrunk = last.flatten().map(|last| shrunk(&last, &plan.live)).unwrap_or_default();
        if !plan.is_empty() {
            let waves = plan.steps.chunk_by(|a, b| a.wave == b.wave);
            let waves: Vec<Vec<&Change>> = waves.map(|w| w.iter().map(|s| &s.change).collect()).collect();
            let per_minute = session.reader.capabilities().requests_per_minute;
            let requests = session.reader.forecast(&waves);
            plan.forecast = requests.map(|requests| Forecast { requests, per_minute });
        }
        Ok(plan)
    }
}

/// What a plan for a target needs to know besides the two states.
pub fn context<'a>(
    global: &Global,
    declared: &'a TargetDeclaration,
    reader: &'a dyn Reader,
    ownership: Option<&'a Ownership>,
    hands: Hands<'a>,
    locate: &'a dyn Fn(Span) -> Location,
    tests: &'a [Claim<Span>],
) -> Context<'a, Span> {
    let capabilities = reader.capabilities();
    Context {
        provider: declared.provider.word(),
        level: capabilities.level,
        options: Options {
            now: global.now(),
            renames: capabilities.renames,
            invites: capabilities.invites,
            kept: capabilities.kept,
        },
        ownership,
        kinds: &capabilities.kinds,
        enables: capabilities.enables,
        hands,
        applier: match &declared.identity {
            Some(email) => Applier::Named(email),
            // Whoever can write the file of a directory needs no account in it.
            None if declared.provider == ProviderName::Directory => Applier::Anyone,
            None => Applier::Unknown,
        },
        locate,
        tests,
        since: None,
        rules_before: None,
        only_over: false,
    }
}

fn unreadable(target: &str, error: &TargetError) -> Failure {
    Failure::error(format!("the target `{target}` cannot be read: {error}"))
}

/// Checks that every wanted name is that of a target or label.
///
/// # Errors
/// When one is not.
pub fn check_targets(ready: &load::Ready, wanted: &[String]) -> Result<(), Failure> {
    for name in wanted {
        if ready.declaration.select(std::slice::from_ref(name)).is_empty() {
            let known: Vec<&str> = ready.declaration.targets.iter().map(|t| t.name.as_str()).collect();
            let near = crate::config::nearest(name, known.iter().copied());
            let help = near.map_or(format!("there are: {}", known.join(", ")), |n| format!("did you mean `{n}`?"));
            return Err(Failure::error(format!("there is no target or label `{name}`")).help(help));
        }
    }
    Ok(())
}

/// A reader of a target that is asked what the target can do, and nothing else: no variable has to be set for
/// that, and nothing is sent.
///
/// # Errors
/// When what is declared of the target cannot be.
pub fn offline(global: &Global, ready: &load::Ready, declared: &TargetDeclaration) -> Result<Box<dyn Reader>, Failure> {
    let nowhere = match declared.provider {
        ProviderName::Directory => "sqlite:nowhere.db",
        _ => "https://nowhere.invalid",
    };
    let settings = declared.settings.iter().filter_map(|(name, text)| {
        let value = Template::new(text).expand(|name| std::env::var(name).ok()).ok()?;
        Some((name.clone(), value))
    });
    let settings: BTreeMap<String, String> = settings.collect();
    let credentials = declared.credentials.keys().map(|name| (name.clone(), Secret::new("unset".to_owned())));
    let credentials: BTreeMap<String, Secret> = credentials.collect();
    let address = Address {
        target: &declared.name,
        provider: declared.provider.word(),
        url: nowhere,
        base: &ready.declaration.root,
        credentials: &credentials,
        settings: &settings,
        catalogue: &declared.desired.catalogue,
        successor: None,
        wanted: Wanted::of(&declared.desired),
        wire: &Wire::Live,
    };
    let link = Link::open(address).map_err(|e| Failure::error(e.to_string()))?;
    Ok(link.reader(global.now()))
}

/// Variables that open the repository itself, and never a target.
const OF_THE_WORKFLOW: [&str; 5] = [
    "ROLECALL_CI_TOKEN",
    "GITHUB_TOKEN",
    "ACTIONS_RUNTIME_TOKEN",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
    "GIT_CONFIG_VALUE_1",
];

fn open_one<'d>(
    global: &Global,
    ready: &load::Ready,
    declared: &'d TargetDeclaration,
    whole: bool,
) -> Result<Session<'d>, Failure> {
    let wire = global.wire();
    let variable = |name: &str| {
        let value = std::env::var(name).ok().filter(|_| !OF_THE_WORKFLOW.contains(&name));
        // A recording is answered without anybody's secrets.
        value.or_else(|| matches!(wire, Wire::Replay(_)).then(String::new))
    };
    let expand = |template: &Template| {
        template.expand(variable).map_err(|name| {
            Failure::error(format!("the variable {name}, which the target `{}` needs, is not set", declared.name)).help(
                if OF_THE_WORKFLOW.contains(&name.as_str()) {
                    "it opens the repository and is given to no target: use a variable of your own".to_owned()
                } else {
                    format!("set it: export {name}=...")
                },
            )
        })
    };
    let url = declared.url.as_ref().map(expand).transpose()?.unwrap_or_default();
    let mut credentials = BTreeMap::new();
    for (name, template) in &declared.credentials {
        credentials.insert(name.clone(), Secret::new(expand(template)?));
    }
    let settings = declared.settings.iter().map(|(name, text)| Ok((name.clone(), expand(&Template::new(text))?)));
    let settings = settings.collect::<Result<BTreeMap<String, String>, Failure>>()?;
    let address = Address {
        target: &declared.name,
        provider: declared.provider.word(),
        url: &url,
        base: &ready.declaration.root,
        credentials: &credentials,
        settings: &settings,
        catalogue: &declared.desired.catalogue,
        successor: declared.desired.rules.removal.transfer_to.as_deref(),
        wanted: if whole { Wanted::everything() } else { Wanted::of(&declared.desired) },
        wire: &wire,
    };
    let link = Link::open(address).map_err(|e| {
        let help = match e {
            OpenError::NotBuilt { .. } => "leave it out: name the others with `--target`",
            OpenError::Address(..) | OpenError::Target(..) => "mend its `url:`",
            OpenError::Setting(..) => "mend its `settings:`",
            OpenError::Credentials(..) => "mend its `credentials:`",
            OpenError::Record(..) => "name another folder",
        };
        Failure::error(e.to_string()).help(help)
    })?;
    let reader = link.reader(global.now());
    Ok(Session { declared, link, reader })
}

/// Consents with the numbers of what remains, for the kinds to whose removal the reviewed plan agreed by these: for
/// a plan of which a part has been applied. What was a takeover then is managed since that apply began,
/// and is a removal like others now.
pub fn remaining_consents(reviewed: &[Consent], now: &Plan) -> Vec<Consent> {
    let mut totals: BTreeMap<(Subject, crate::model::Kind), usize> = BTreeMap::new();
    for target in &now.targets {
        for (kind, tally) in &target.removals {
            *totals.entry((Subject::Removal, *kind)).or_default() += tally.removed;
        }
        for (kind, names) in &target.takeovers {
            *totals.entry((Subject::Takeover, *kind)).or_default() += names.len();
        }
        *totals.entry((Subject::Irreversible, crate::model::Kind::User)).or_default() += target.irreversible.len();
        for (kind, shrunk) in target.shrunk_and_removing() {
            *totals.entry((Subject::Shrunk, kind)).or_default() += shrunk.fewer();
        }
    }
    let agreed = |kind| reviewed.iter().any(|c| c.kind == Some(kind));
    let left = totals.into_iter().filter(|((_, kind), number)| *number > 0 && agreed(*kind));
    left.map(|((what, kind), number)| Consent { what, kind: Some(kind), number }).collect()
}

/// Reads the declaration; that there are warnings is said in one line, because `validate` shows them.
///
/// # Errors
/// The exit code, when the files have errors.
pub fn declaration(ui: &mut Ui, global: &Global, strict: bool) -> Result<load::Ready, Exit> {
    let ready = load::ready(ui, global, strict)?;
    // Notes are for who asks for them.
    let warnings: Vec<_> = ready.findings.iter().filter(|f| f.severity != Severity::Note).cloned().collect();
    if !warnings.is_empty() {
        let count = crate::render::findings_human::summary(&warnings);
        ui.note(&format!("The files have {count}: `rolecall validate` shows what and where.\n\n"));
    }
    Ok(ready)
}

/// A runtime for talking to targets.
///
/// # Errors
/// When the operating system refuses one.
pub fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| Failure::error(format!("no runtime can be started: {e}")))
}
