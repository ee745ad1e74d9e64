//! `rolecall sandbox`

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::json;

use super::{Exit, Failure, Ui};
use crate::sandbox::fault::{TRANSPORT, Takes};
use crate::sandbox::{Handle, Serve, Spec, StartError, Token, omni, paradime, scim, strongly, terminusdb};

/// Serve a system's API on this machine, to try rolecall without an account.
///
/// A sandbox listens on the loopback interface only, keeps its state in an embedded directory, and holds
/// no real secret. It can be told to do what real servers do badly, so that a declaration, or a pipeline,
/// can be tested against it.
#[derive(Debug, Args)]
pub struct SandboxArgs {
    #[command(subcommand)]
    system: System,
}

#[derive(Debug, Subcommand)]
enum System {
    Scim(ScimArgs),
    Omni(OmniArgs),
    Paradime(ParadimeArgs),
    Strongly(StronglyArgs),
    Terminusdb(TerminusArgs),
}

/// A SCIM 2.0 server: users with the enterprise extension, groups, filters, PATCH, Bulk.
///
/// The API begins at /scim/v2. Ends at SIGINT and SIGTERM, with the state written. Tests can ask for
/// what happened: GET /sandbox/requests counts and lists the requests, DELETE forgets them, and
/// POST /sandbox/faults with {"faults": ["throttle=1,every=3"]} puts other faults in the place of those
/// that are on.
#[derive(Debug, Args)]
struct ScimArgs {
    /// The port; 0 takes one that is free
    #[arg(long, value_name = "PORT", default_value_t = 8730)]
    port: u16,
    #[command(flatten)]
    place: PlaceArgs,
    /// A declaration whose users and teams are there at the beginning, where the state is empty
    #[arg(long, value_name = "PATH")]
    seed: Option<PathBuf>,
    /// Which target of that declaration is meant
    #[arg(long, value_name = "NAME", requires = "seed")]
    seed_target: Option<String>,
    #[command(flatten)]
    manner: MannerArgs,
}

/// Omni: SCIM for users and groups, attributes, model roles, folders, documents, schedules.
///
/// The API begins at /api. Ends at SIGINT and SIGTERM, with the state written. Tests can ask for what
/// happened: GET /sandbox/requests counts and lists the requests, DELETE forgets them, and POST
/// /sandbox/faults with {"faults": ["throttle=1,every=3"]} puts other faults in the place of those that are
/// on. POST /sandbox/things takes what --things takes, as JSON or YAML: what somebody does on Omni's screens.
#[derive(Debug, Args)]
struct OmniArgs {
    /// The port; 0 takes one that is free
    #[arg(long, value_name = "PORT", default_value_t = 8731)]
    port: u16,
    #[command(flatten)]
    place: PlaceArgs,
    /// Declarations whose users, teams, resources and grants are there at the beginning, where the state is empty
    #[arg(long, value_name = "FILES", num_args = 1..)]
    seed: Vec<PathBuf>,
    /// Which target of those declarations is meant
    #[arg(long, value_name = "NAME", requires = "seed")]
    seed_target: Option<String>,
    /// A YAML file of what no declaration says, where the state is empty: attributes, schedules, embed_users, api_keys, custom_roles, users, groups, connections, models, folders, documents
    #[arg(long, value_name = "FILE")]
    things: Option<PathBuf>,
    /// How many requests are answered in a minute; 0 for any number
    #[arg(long, value_name = "N", default_value_t = omni::LIMIT)]
    limit: u64,
    /// Who made the key, by address; otherwise the first organization administrator
    #[arg(long, value_name = "EMAIL")]
    acting: Option<String>,
    #[command(flatten)]
    manner: MannerArgs,
}

/// Paradime: users, invitations and roles of workspaces, the list of workspaces, the audit log.
///
/// The API is one GraphQL endpoint, which is printed. What --token begins with decides what it is: prdm_wsp_ a
/// workspace token, prdm_cmp_ an account token, anything else the secret of the key of --key. Ends at SIGINT and
/// SIGTERM, with the state written. Tests can ask for what happened: GET /sandbox/requests counts and lists the
/// requests, DELETE forgets them, and POST /sandbox/faults with {"faults": ["throttle=1,every=3"]} puts other
/// faults in the place of those that are on. POST /sandbox/things takes what --things takes, as JSON or YAML: what
/// somebody does on Paradime's screens; GET shows all that those show. All four take the token as a bearer's.
#[derive(Debug, Args)]
struct ParadimeArgs {
    /// The port; 0 takes one that is free
    #[arg(long, value_name = "PORT", default_value_t = 8732)]
    port: u16,
    #[command(flatten)]
    place: PlaceArgs,
    /// The key that belongs to the token, where that is a secret
    #[arg(long, value_name = "KEY", default_value = paradime::KEY)]
    key: String,
    /// Declarations whose users are there at the beginning, where the state is empty
    #[arg(long, value_name = "FILES", num_args = 1..)]
    seed: Vec<PathBuf>,
    /// Which target of those declarations is meant
    #[arg(long, value_name = "NAME", requires = "seed")]
    seed_target: Option<String>,
    /// A YAML file of what no declaration says, where the state is empty: workspaces, users with their standing, domains, and what is done on the screens: accept, expire, resend, withdraw, enable, disable, join
    #[arg(long, value_name = "FILE")]
    things: Option<PathBuf>,
    /// The workspace that the token opens, where it opens one: a name or identifier; otherwise the first
    #[arg(long, value_name = "WORKSPACE")]
    workspace: Option<String>,
    /// Judge invitations as those of somebody with this role, by the table of who may invite whom
    #[arg(long, value_name = "ROLE")]
    acting: Option<String>,
    #[command(flatten)]
    manner: MannerArgs,
}

/// Strongly.AI: users, the organization, and what applications, projects, workflows and data sources are shared with.
///
/// The API begins at /api/v1; clients say the token as X-API-Key. Ends at SIGINT and SIGTERM, with the state
/// written. Tests can ask for what happened: GET /sandbox/requests counts and lists the requests, DELETE
/// forgets them, and POST /sandbox/faults with {"faults": ["shape-d"]} puts other faults in the place of those
/// that are on. POST /sandbox/things takes what --things takes: what people do on Strongly's screens.
#[derive(Debug, Args)]
struct StronglyArgs {
    /// The port; 0 takes one that is free
    #[arg(long, value_name = "PORT", default_value_t = 8734)]
    port: u16,
    #[command(flatten)]
    place: PlaceArgs,
    /// Declarations whose users, resources, grants, teams and domains are there at the beginning, where the state is empty
    #[arg(long, value_name = "FILES", num_args = 1..)]
    seed: Vec<PathBuf>,
    /// Which target of those declarations is meant
    #[arg(long, value_name = "NAME", requires = "seed")]
    seed_target: Option<String>,
    /// A YAML file of what people do on screens, where the state is empty: users, invitations, accept, applications, projects, workspaces, workflows, data_sources, teams, policies
    #[arg(long, value_name = "FILE")]
    things: Option<PathBuf>,
    /// Who made the key, by address; otherwise the first administrator
    #[arg(long, value_name = "EMAIL")]
    acting: Option<String>,
    #[command(flatten)]
    manner: MannerArgs,
}

/// TerminusDB: users, roles, organizations, databases, capabilities, and the documents of `_system`.
///
/// The API begins at /api. The token is the password of `admin`; other accounts sign in with theirs. Ends
/// at SIGINT and SIGTERM, with the state written. Tests can ask for what happened, with the token as a
/// bearer token: GET /sandbox/requests counts and lists the requests, DELETE forgets them, and POST
/// /sandbox/faults with {"faults": ["throttle=1,every=3"]} puts other faults in the place of those that are
/// on.
#[derive(Debug, Args)]
struct TerminusArgs {
    /// The port; 0 takes one that is free
    #[arg(long, value_name = "PORT", default_value_t = 8733)]
    port: u16,
    #[command(flatten)]
    place: PlaceArgs,
    /// Declarations whose users, roles, teams, data products and grants are there at the beginning, where the state is empty
    #[arg(long, value_name = "FILES", num_args = 1..)]
    seed: Vec<PathBuf>,
    /// Which target of those declarations is meant
    #[arg(long, value_name = "NAME", requires = "seed")]
    seed_target: Option<String>,
    /// Serve the calls of the hosted product as well: its five roles, invitations, one role for each scope
    #[arg(long)]
    hosted: bool,
    #[command(flatten)]
    manner: MannerArgs,
}

/// What opens a sandbox, and where it lies.
#[derive(Debug, Args)]
struct PlaceArgs {
    /// What clients must say as a bearer token: any text without spaces, not a real secret
    #[arg(long, value_name = "TOKEN", env = "ROLECALL_SANDBOX_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// The directory that keeps the state: an SQLite file, made where it is missing. Without it, nothing is kept
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
}

/// How a sandbox behaves, and what it says of itself.
#[derive(Debug, Args)]
struct MannerArgs {
    /// So many made-up users, where the state is empty
    #[arg(long, value_name = "N", default_value_t = 0)]
    users: usize,
    /// So many made-up groups, each user in two of them, where the state is empty
    #[arg(long, value_name = "N", default_value_t = 0)]
    groups: usize,
    /// How many milliseconds every answer takes at least
    #[arg(long, value_name = "MS", default_value_t = 0)]
    latency: u64,
    /// What it does badly: NAME[=VALUE][,every=N][,first=N][,after=N][,method=NAME][,path=/PREFIX]
    #[arg(long, value_name = "FAULT")]
    fault: Vec<String>,
    /// List the faults
    #[arg(long)]
    faults: bool,
    /// List what is assumed where the standard, or the vendor, leaves it open
    #[arg(long)]
    assumptions: bool,
    /// Say where it listens as JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// When the server cannot start, or its state not be written.
pub fn sandbox(ui: &mut Ui, args: &SandboxArgs) -> Result<Exit, Failure> {
    match &args.system {
        System::Scim(args) => {
            if listed(ui, &args.manner, scim::faults::FAULTS, scim::ASSUMPTIONS) {
                return Ok(Exit::Done);
            }
            let options = scim::Options {
                serve: serving(args.port, &args.place, &args.manner)?,
                state: args.place.state.clone(),
                seed: args.seed.clone(),
                seed_target: args.seed_target.clone(),
                users: args.manner.users,
                groups: args.manner.groups,
            };
            run(ui, "scim", || scim::serve(&options), args.manner.json)
        }
        System::Omni(args) => {
            if listed(ui, &args.manner, omni::faults::FAULTS, omni::ASSUMPTIONS) {
                return Ok(Exit::Done);
            }
            let options = omni::Options {
                serve: serving(args.port, &args.place, &args.manner)?,
                state: args.place.state.clone(),
                seeds: args.seed.clone(),
                seed_target: args.seed_target.clone(),
                things: args.things.clone(),
                users: args.manner.users,
                groups: args.manner.groups,
                limit: (args.limit > 0).then_some(args.limit),
                acting: args.acting.clone(),
            };
            run(ui, "omni", || omni::serve(&options), args.manner.json)
        }
        System::Paradime(args) => {
            if listed(ui, &args.manner, paradime::faults::FAULTS, paradime::ASSUMPTIONS) {
                return Ok(Exit::Done);
            }
            let options = paradime::Options {
                serve: serving(args.port, &args.place, &args.manner)?,
                key: args.key.clone(),
                state: args.place.state.clone(),
                seeds: args.seed.clone(),
                seed_target: args.seed_target.clone(),
                things: args.things.clone(),
                users: args.manner.users,
                workspace: args.workspace.clone(),
                acting: args.acting.clone(),
            };
            run(ui, "paradime", || paradime::serve(&options), args.manner.json)
        }
        System::Strongly(args) => {
            if listed(ui, &args.manner, strongly::faults::FAULTS, strongly::ASSUMPTIONS) {
                return Ok(Exit::Done);
            }
            let options = strongly::Options {
                serve: serving(args.port, &args.place, &args.manner)?,
                state: args.place.state.clone(),
                seeds: args.seed.clone(),
                seed_target: args.seed_target.clone(),
                things: args.things.clone(),
                users: args.manner.users,
                acting: args.acting.clone(),
            };
            run(ui, "strongly", || strongly::serve(&options), args.manner.json)
        }
        System::Terminusdb(args) => {
            if listed(ui, &args.manner, terminusdb::faults::FAULTS, terminusdb::ASSUMPTIONS) {
                return Ok(Exit::Done);
            }
            let options = terminusdb::Options {
                serve: serving(args.port, &args.place, &args.manner)?,
                state: args.place.state.clone(),
                seeds: args.seed.clone(),
                seed_target: args.seed_target.clone(),
                users: args.manner.users,
                groups: args.manner.groups,
                hosted: args.hosted,
            };
            run(ui, "terminusdb", || terminusdb::serve(&options), args.manner.json)
        }
    }
}

/// Whether lists were asked for; then they were shown.
fn listed(ui: &mut Ui, args: &MannerArgs, own: &[&'static Spec], assumed: &[(&str, &str)]) -> bool {
    if args.faults {
        let specs: Vec<&Spec> = TRANSPORT.iter().chain(own).copied().collect();
        ui.out(&faults(&specs));
    }
    if args.assumptions {
        let width = assumed.iter().map(|(topic, _)| topic.len()).max().unwrap_or(0);
        let line = |(topic, text): &(&str, &str)| format!("{topic:width$}  {text}\n");
        ui.out(&assumed.iter().map(line).collect::<String>());
    }
    args.faults || args.assumptions
}

fn serving(port: u16, place: &PlaceArgs, manner: &MannerArgs) -> Result<Serve, Failure> {
    let Some(token) = &place.token else {
        return Err(Failure::error("a sandbox needs a token")
            .help("write --token TOKEN, or set ROLECALL_SANDBOX_TOKEN; any text will do, and no real secret should"));
    };
    let token = Token::new(token).ok_or_else(|| {
        Failure::error("the token is empty, or has characters that no header can hold")
            .help("choose visible ASCII characters without spaces")
    })?;
    Ok(Serve { port, token, latency: Duration::from_millis(manner.latency), faults: manner.fault.clone() })
}

fn run(
    ui: &mut Ui,
    system: &str,
    start: impl FnOnce() -> Result<Handle, StartError>,
    as_json: bool,
) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| Failure::error(format!("no runtime could be made: {e}")))?;
    runtime.block_on(async {
        // Before the line that says that it listens: who reads that may send a signal at once.
        let end = Ending::new().map_err(|e| Failure::error(format!("signals cannot be waited for: {e}")))?;
        let handle = start().map_err(|e| refused(&e, system))?;
        for note in handle.notes() {
            ui.note(&format!("note: {note}\n"));
        }
        ui.out(&if as_json {
            format!("{}\n", json!({"listening": handle.origin(), "api": handle.url()}))
        } else {
            // The endpoint of GraphQL is its whole address.
            format!("listening on {}\n", if system == "paradime" { handle.url() } else { handle.origin().to_owned() })
        });
        end.wait().await;
        handle.stop().map_err(|e| Failure::error(format!("the state could not be written: {e}")))?;
        Ok(Exit::Done)
    })
}

fn refused(error: &StartError, system: &str) -> Failure {
    let failure = Failure::error(error.to_string());
    match error {
        StartError::Port(..) => failure.help("choose another port, or --port 0 for one that is free"),
        StartError::Fault(_) => failure.help(format!("`rolecall sandbox {system} --faults` lists them")),
        StartError::State(_) => failure.help("name a file that a sandbox made, or one that is not there yet"),
        StartError::Seed(_) => failure,
    }
}

/// The faults as a table, with how scopes are written.
fn faults(specs: &[&Spec]) -> String {
    let head = |spec: &Spec| match spec.takes {
        Takes::Nothing => spec.name.to_owned(),
        Takes::Number(_, default) => format!("{}={default}", spec.name),
    };
    let width = specs.iter().map(|s| head(s).len()).max().unwrap_or(0);
    let mut text = String::new();
    for spec in specs {
        let unit = match spec.takes {
            Takes::Nothing => String::new(),
            Takes::Number(unit, _) => format!(" ({unit})"),
        };
        text.push_str(&format!("{:width$}  {}{unit}\n", head(spec), spec.doc));
    }
    text.push_str(
        "\nBehind it, separated by commas: every=N (each Nth request), first=N (so many of them), after=N (not the \
         first N),\nmethod=NAME, path=/PREFIX. What stands behind = is what is meant without it.\n",
    );
    text
}

/// SIGINT or SIGTERM.
struct Ending {
    #[cfg(unix)]
    signals: (tokio::signal::unix::Signal, tokio::signal::unix::Signal),
}

impl Ending {
    fn new() -> std::io::Result<Self> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            Ok(Self { signals: (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?) })
        }
        #[cfg(not(unix))]
        Ok(Self {})
    }

    async fn wait(self) {
        #[cfg(unix)]
        {
            let (mut interrupt, mut terminate) = self.signals;
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        }
        #[cfg(not(unix))]
        if tokio::signal::ctrl_c().await.is_err() {
            // Nobody can end it politely then; it goes on until the process is ended.
            std::future::pending::<()>().await;
        }
    }
}
