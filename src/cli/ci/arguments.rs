//! What `rolecall ci` is told: by options, and by the environment variables that `action.yml` sets.
//!
//! The short help of an option is also the description of the action's input, so it speaks for both.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{BoolishValueParser, EnumValueParser, PossibleValue, TypedValueParser};
use clap::{Args, Subcommand, ValueEnum};

use super::super::apply::parse_duration;
use super::super::planning::parse_consent;
use crate::plan::Consent;
use crate::targets::http::Secret;

// By other names, the derivation leaves what is in them to the value parser, which knows the empty text.
type Maybe<T> = Option<T>;
type Listed<T> = Vec<T>;

/// Run in a pull request, after a merge or on a schedule.
///
/// Reads the event that GitHub describes (GITHUB_EVENT_NAME, GITHUB_EVENT_PATH, GITHUB_REPOSITORY,
/// GITHUB_API_URL), does the work, and publishes what came of it: comment, check run, step summary,
/// annotations, SARIF file, labels, outputs. Where the token may only read, or the pull request comes from
/// a fork, what cannot be published is left out and said, and the exit code depends on the plan alone.
///
/// Every option can be given by the environment variable that stands beside it, in which an empty text is
/// the same as nothing. The token is read from ROLECALL_CI_TOKEN or GITHUB_TOKEN and is never an argument.
#[derive(Debug, Args)]
pub struct CiArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: CiCommand,
}

/// What to do.
#[derive(Debug, Subcommand)]
#[expect(missing_docs, reason = "what stands at the arguments of each is its help")]
pub enum CiCommand {
    Compile(CompileArgs),
    Plan(PlanArgs),
    Apply(ApplyArgs),
    Drift(DriftArgs),
    Reconcile(ReconcileArgs),
}

impl CiCommand {
    /// Its name on the command line, and the action's `command`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Compile(_) => "compile",
            Self::Plan(_) => "plan",
            Self::Apply(_) => "apply",
            Self::Drift(_) => "drift",
            Self::Reconcile(_) => "reconcile",
        }
    }
}

/// Check the files of a pull request and write them as one canonical artifact.
///
/// For the job that sees what anybody may have written: it needs no secret, contacts no system, and runs
/// nothing that the files say. What is wrong with the files is annotated beside their lines. The artifact
/// holds what the files declare and nothing else: no address and no credential of a system is ever taken
/// from it.
#[derive(Debug, Args)]
pub struct CompileArgs {
    /// Where `compile` writes its artifact
    #[arg(long, value_name = "FILE", env = "ROLECALL_CI_OUT", value_parser = some_path)]
    pub out: PathBuf,
    /// How what was found is shown.
    #[command(flatten)]
    pub reporting: Reporting,
    /// What is found in the files as a SARIF file.
    #[command(flatten)]
    pub sarif: Sarif,
}

/// Show in a pull request what it would change in the connected systems.
///
/// Plans the files that are checked out, or with --compiled the artifact of the pull request's own job; reads
/// the connected systems and writes to none. The artifact is data from a stranger: which systems there are,
/// where they are and what opens them is taken from the files that are checked out, which are those of the
/// main branch, and never from the artifact. What the pull request causes is kept apart from what had
/// drifted before, and the digest of what was shown is remembered in the store, for `ci apply`.
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// The artifact of `compile` to plan, in place of the files that are checked out
    #[arg(long, value_name = "FILE", env = "ROLECALL_CI_COMPILED", default_value = "", hide_default_value = true,
          value_parser = path)]
    pub compiled: Maybe<PathBuf>,
    /// Which systems, and what is agreed to.
    #[command(flatten)]
    pub selection: Selection,
    /// Where the plan is shown in the pull request.
    #[command(flatten)]
    pub publishing: Publishing,
    /// How what was found is shown.
    #[command(flatten)]
    pub reporting: Reporting,
    /// What is found in the files as a SARIF file.
    #[command(flatten)]
    pub sarif: Sarif,
}

/// Apply what was reviewed, after the merge.
///
/// Finds the pull request of the commit, plans again, and compares with the digest that was remembered for
/// the reviewed head. Equal: applies, and says so in the same comment. Not equal: says what moved, applies
/// nothing and ends with 4. What comments say is never trusted. Where `policies.approval` asks for
/// approvals, they are looked up; those count that were given on the reviewed head, after the plan was
/// shown, by somebody else than the author.
#[derive(Debug, Args)]
pub struct ApplyArgs {
    /// Apply only a plan with this digest; it stands for the one that was remembered for the pull request
    #[arg(long, value_name = "DIGEST", env = "ROLECALL_CI_EXPECT_DIGEST", default_value = "",
          hide_default_value = true, value_parser = digest)]
    pub expect_digest: Maybe<String>,
    /// Which systems, and what is agreed to.
    #[command(flatten)]
    pub selection: Selection,
    /// Where the outcome is shown in the pull request.
    #[command(flatten)]
    pub publishing: Publishing,
    /// How long to wait for another run.
    #[command(flatten)]
    pub waiting: Waiting,
    /// How what was found is shown.
    #[command(flatten)]
    pub reporting: Reporting,
}

/// Find what differs from the main branch, and keep one issue about it.
///
/// Reads the connected systems and writes to none. The issue is opened when something differs, kept up to
/// date, and closed when nothing does. Ends with 0 when it could look, and with 2 for differences only where
/// --fail-on asks for it.
#[derive(Debug, Args)]
pub struct DriftArgs {
    /// Which systems.
    #[command(flatten)]
    pub targets: Targets,
    /// How what was found is shown.
    #[command(flatten)]
    pub reporting: Reporting,
}

/// Take away what is over: expired grants, people past their last day, blocks.
///
/// For a schedule, without a pull request. It only takes away, and only what the main branch says has come
/// to its end; it never gives anybody anything, and mends no other difference.
#[derive(Debug, Args)]
pub struct ReconcileArgs {
    /// Which systems.
    #[command(flatten)]
    pub targets: Targets,
    /// How long to wait for another run.
    #[command(flatten)]
    pub waiting: Waiting,
    /// How what was found is shown.
    #[command(flatten)]
    pub reporting: Reporting,
}

/// Which systems.
#[derive(Debug, Clone, Args)]
pub struct Targets {
    /// Only these targets, or those with these labels; names between commas, spaces or lines
    #[arg(long, value_name = "NAMES", env = "ROLECALL_CI_TARGETS", default_value = "", hide_default_value = true,
          value_parser = names)]
    pub targets: Listed<String>,
}

/// Which systems, and what is agreed to.
#[derive(Debug, Clone, Args)]
pub struct Selection {
    /// Which systems.
    #[command(flatten)]
    pub targets: Targets,
    /// What a guard stops and is agreed to, by its number: removal.member=104; several between commas, spaces or lines
    #[arg(long, value_name = "WHAT=N", env = "ROLECALL_CI_ACCEPT", default_value = "", hide_default_value = true,
          value_parser = consents)]
    pub accept: Listed<Consent>,
}

/// Where a plan and its outcome are shown in the pull request.
#[derive(Debug, Clone, Args)]
pub struct Publishing {
    /// The comment in the pull request: one that is kept up to date (true), only when there are changes (changes-only), a new one each time (always-new), or none (false)
    #[arg(long, value_name = "WHEN", env = "ROLECALL_CI_COMMENT", default_value = "true",
          value_parser = or(EnumValueParser::<Comment>::new(), Comment::True))]
    pub comment: Comment,
    /// Whether labels on the pull request say what the plan does
    #[arg(long, value_name = "BOOL", env = "ROLECALL_CI_LABELS", default_value = "false", action = clap::ArgAction::Set,
          num_args = 0..=1, default_missing_value = "true", require_equals = true, value_parser = flag(false))]
    pub labels: bool,
    /// Whether a check run on the reviewed commit carries the verdict
    #[arg(long, value_name = "BOOL", env = "ROLECALL_CI_CHECK_RUN", default_value = "true", action = clap::ArgAction::Set,
          num_args = 0..=1, default_missing_value = "true", require_equals = true, value_parser = flag(true))]
    pub check_run: bool,
}

/// How what was found is shown in the run.
#[derive(Debug, Clone, Args)]
pub struct Reporting {
    /// Whether the run's summary page tells what was found
    #[arg(long, value_name = "BOOL", env = "ROLECALL_CI_SUMMARY", default_value = "true", action = clap::ArgAction::Set,
          num_args = 0..=1, default_missing_value = "true", require_equals = true, value_parser = flag(true))]
    pub summary: bool,
    /// Whether findings are annotated beside their lines: ten at most, the worst first
    #[arg(long, value_name = "BOOL", env = "ROLECALL_CI_ANNOTATIONS", default_value = "true", action = clap::ArgAction::Set,
          num_args = 0..=1, default_missing_value = "true", require_equals = true, value_parser = flag(true))]
    pub annotations: bool,
    /// What else makes the run fail: drift, warnings, or both between commas
    #[arg(long, value_name = "WHAT", env = "ROLECALL_CI_FAIL_ON", default_value = "", hide_default_value = true,
          value_parser = fail_on)]
    pub fail_on: FailOn,
}

/// Findings as a SARIF file.
#[derive(Debug, Clone, Args)]
pub struct Sarif {
    /// Where findings are written as SARIF 2.1.0, for code scanning
    #[arg(long, value_name = "FILE", env = "ROLECALL_CI_SARIF_FILE", default_value = "", hide_default_value = true,
          value_parser = path)]
    pub sarif_file: Maybe<PathBuf>,
}

/// How long to wait for another run.
#[derive(Debug, Clone, Args)]
pub struct Waiting {
    /// How long to wait for another run that holds the lock: 30s, 10m
    #[arg(long, value_name = "TIME", env = "ROLECALL_LOCK_TIMEOUT", default_value = "10m", value_parser = wait)]
    pub lock_timeout: Duration,
}

/// When the pull request gets a comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Comment {
    /// One, kept up to date
    True,
    /// One, kept up to date, and made only when there are changes
    ChangesOnly,
    /// A new one each time
    AlwaysNew,
    /// None
    False,
}

/// What else makes a run fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FailOn {
    /// Differences that nobody declared: exit code 2.
    pub drift: bool,
    /// Warnings about the files, as if they were errors: exit code 1.
    pub warnings: bool,
}

/// The token for GitHub: `ROLECALL_CI_TOKEN`, or else `GITHUB_TOKEN`. `var` reads a variable.
#[must_use]
pub fn token(var: impl Fn(&str) -> Option<String>) -> Option<Secret> {
    let filled = |name: &str| var(name).filter(|text| !text.is_empty());
    filled("ROLECALL_CI_TOKEN").or_else(|| filled("GITHUB_TOKEN")).map(Secret::new)
}

/// Takes an empty text for `empty`: an input of an action that is not given is an empty text.
fn or<P: TypedValueParser>(parser: P, empty: P::Value) -> OrEmpty<P>
where
    P::Value: Clone,
{
    OrEmpty { parser, empty }
}

fn flag(empty: bool) -> OrEmpty<BoolishValueParser> {
    or(BoolishValueParser::new(), empty)
}

#[derive(Debug, Clone)]
struct OrEmpty<P: TypedValueParser> {
    parser: P,
    empty: P::Value,
}

impl<P> TypedValueParser for OrEmpty<P>
where
    P: TypedValueParser,
    P::Value: Clone,
{
    type Value = P::Value;

    fn parse_ref(
        &self,
        command: &clap::Command,
        arg: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<Self::Value, clap::Error> {
        if value.is_empty() { Ok(self.empty.clone()) } else { self.parser.parse_ref(command, arg, value) }
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        self.parser.possible_values()
    }
}

fn some_path(text: &str) -> Result<PathBuf, String> {
    path(text)?.ok_or_else(|| "say where the file is to be written".to_owned())
}

#[expect(clippy::unnecessary_wraps, reason = "the form of a value parser")]
fn path(text: &str) -> Result<Option<PathBuf>, String> {
    Ok(Some(text).filter(|t| !t.is_empty()).map(PathBuf::from))
}

/// A digest as it is shown: `sha256:` and hexadecimal digits, of which the first will do.
fn digest(text: &str) -> Result<Option<String>, String> {
    let text = text.trim();
    let digits = text.strip_prefix("sha256:").unwrap_or(text);
    if text.is_empty() {
        return Ok(None);
    }
    if digits.len() < 8 || digits.len() > 64 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err("a digest is `sha256:` and at least 8 hexadecimal digits".to_owned());
    }
    Ok(Some(text.to_owned()))
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c == ',' || c.is_whitespace()).filter(|word| !word.is_empty())
}

#[expect(clippy::unnecessary_wraps, reason = "the form of a value parser")]
fn names(text: &str) -> Result<Vec<String>, String> {
    Ok(words(text).map(str::to_owned).collect())
}

fn consents(text: &str) -> Result<Vec<Consent>, String> {
    words(text).map(parse_consent).collect()
}

fn fail_on(text: &str) -> Result<FailOn, String> {
    let mut all = FailOn::default();
    for word in words(text) {
        match word {
            "drift" => all.drift = true,
            "warnings" => all.warnings = true,
            other => return Err(format!("`{other}` is neither `drift` nor `warnings`")),
        }
    }
    Ok(all)
}

fn wait(text: &str) -> Result<Duration, String> {
    parse_duration(if text.is_empty() { "10m" } else { text })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        ci: CiArgs,
    }

    fn parse(words: &[&str]) -> Result<CiCommand, clap::Error> {
        Line::try_parse_from([&["ci"], words].concat()).map(|line| line.ci.command)
    }

    fn plan(words: &[&str]) -> PlanArgs {
        match parse(&[&["plan"], words].concat()).unwrap() {
            CiCommand::Plan(args) => args,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn nothing_said_is_the_usual() {
        let args = plan(&[]);
        assert_eq!(args.compiled, None);
        assert_eq!(args.publishing.comment, Comment::True);
        assert!(!args.publishing.labels && args.publishing.check_run);
        assert!(args.reporting.summary && args.reporting.annotations);
        assert_eq!(args.reporting.fail_on, FailOn::default());
        assert!(args.selection.targets.targets.is_empty() && args.selection.accept.is_empty());
        assert_eq!(args.sarif.sarif_file, None);
    }

    #[test]
    fn an_empty_text_is_nothing_said() {
        let empty: Vec<&str> =
            "--compiled= --comment= --labels= --check-run= --summary= --annotations= --fail-on= --targets= --accept= \
             --sarif-file="
                .split_whitespace()
                .collect();
        assert_eq!(format!("{:?}", plan(&empty)), format!("{:?}", plan(&[])));
        let apply = |words: &[&str]| format!("{:?}", parse(&[&["apply"], words].concat()).unwrap());
        assert_eq!(apply(&["--expect-digest=", "--lock-timeout="]), apply(&[]));
        // But an artifact has to be somewhere.
        assert!(parse(&["compile", "--out="]).unwrap_err().to_string().contains("say where"));
        assert!(parse(&["compile"]).is_err());
    }

    #[test]
    fn lists_are_words() {
        let args = plan(&["--targets", "home, dbt\nbi", "--accept=removal.member=104\nloss=2\n"]);
        assert_eq!(args.selection.targets.targets, ["home", "dbt", "bi"]);
        let accepted: Vec<String> = args.selection.accept.iter().map(ToString::to_string).collect();
        assert_eq!(accepted, ["removal.member=104", "loss=2"]);
        assert_eq!(plan(&["--fail-on", "drift,warnings"]).reporting.fail_on, FailOn { drift: true, warnings: true });
        assert_eq!(plan(&["--fail-on", "drift"]).reporting.fail_on, FailOn { drift: true, warnings: false });
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for wrong in [
            ["plan", "--comment=sometimes"],
            ["plan", "--labels=perhaps"],
            ["plan", "--fail-on=weather"],
            ["plan", "--accept=everything"],
            ["apply", "--expect-digest=12345"],
            ["apply", "--expect-digest=sha256:not-a-digest"],
            ["apply", "--lock-timeout=soon"],
            ["apply", "--token=ghs_secret"],
            ["reconcile", "--accept=loss=2"],
        ] {
            assert!(parse(&wrong).is_err(), "{wrong:?}");
        }
        for (comment, meant) in [
            ("true", Comment::True),
            ("changes-only", Comment::ChangesOnly),
            ("always-new", Comment::AlwaysNew),
            ("false", Comment::False),
        ] {
            assert_eq!(plan(&["--comment", comment]).publishing.comment, meant);
        }
    }

    #[test]
    fn a_token_comes_from_the_environment_and_is_never_shown() {
        let env = |pairs: &'static [(&str, &str)]| {
            token(move |name| pairs.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned()))
        };
        let own = env(&[("ROLECALL_CI_TOKEN", "ghs_own"), ("GITHUB_TOKEN", "ghs_other")]).unwrap();
        assert_eq!(own.expose(), "ghs_own");
        assert!(!format!("{own:?}").contains("ghs_own"));
        assert_eq!(env(&[("ROLECALL_CI_TOKEN", ""), ("GITHUB_TOKEN", "ghs_other")]).unwrap().expose(), "ghs_other");
        assert!(env(&[("GITHUB_TOKEN", "")]).is_none());
    }
}
