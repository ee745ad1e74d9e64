//! A run of a workflow: what it is for, GitHub, and what it leaves behind. What cannot be published is said and
//! changes nothing else: how a run ends depends on the plan alone.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::path::PathBuf;

use super::arguments::{Reporting, token};
use super::outputs::Output;
use crate::cli::{Exit, Failure, Ui};
use crate::diagnostic::{Finding, SourceMap};
use crate::github::{self, Context, EventError, GitHub, GithubError, Me, outputs};

/// A run.
pub struct Run {
    /// What it is for.
    pub context: Context,
    /// GitHub, where there is a token.
    pub github: Option<(GitHub, Me)>,
    outputs: BTreeMap<Output, String>,
    /// Why it failed, in one of the words of the output `failure-reason`.
    pub reason: Option<&'static str>,
    /// How much of the summary is used, in bytes.
    used: usize,
}

impl From<EventError> for Failure {
    fn from(error: EventError) -> Self {
        Self::error(error.to_string())
    }
}

impl From<GithubError> for Failure {
    fn from(error: GithubError) -> Self {
        Self::error(format!("GitHub: {error}"))
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|v| !v.is_empty())
}

impl Run {
    /// Reads what the run is for.
    ///
    /// # Errors
    /// Where this is no run of a workflow, or its event is not one to act on.
    pub fn open(ui: &mut Ui) -> Result<Self, Failure> {
        let context = Context::read(&variable)?;
        let mut run = Self { context, github: None, outputs: BTreeMap::new(), reason: None, used: 0 };
        let Some(token) = token(variable) else {
            ui.note("There is no token (ROLECALL_CI_TOKEN, GITHUB_TOKEN): nothing is published at GitHub.\n");
            return Ok(run);
        };
        let github = GitHub::new(&run.context.api, &token, run.context.repository.clone())?;
        match crate::cli::planning::runtime()?.block_on(github.me()) {
            Ok(me) => run.github = Some((github, me)),
            Err(error) => ui.note(&format!("GitHub does not know the token, so nothing is published there: {error}\n")),
        }
        Ok(run)
    }

    /// Sets an output.
    pub fn set(&mut self, output: Output, value: impl ToString) {
        self.outputs.insert(output, value.to_string());
    }

    /// Says that something could not be published.
    pub fn unpublished(&mut self, ui: &mut Ui, what: &str, error: &GithubError) {
        if matches!(error, GithubError::Limited(_)) {
            self.reason.get_or_insert("rate-limited");
        }
        let why = match error {
            GithubError::ReadOnly(_) => "the token may only read, as that of a fork does".to_owned(),
            other => other.to_string(),
        };
        ui.note(&format!("{what} could not be published: {why}\n"));
    }

    /// Adds to the summary of the step.
    pub fn summary(&mut self, ui: &mut Ui, markdown: &str) {
        let Some(path) = variable("GITHUB_STEP_SUMMARY") else { return };
        let written = OpenOptions::new().append(true).create(true).open(&path).and_then(|mut file| {
            let before = file.metadata().map_or(self.used, |m| usize::try_from(m.len()).unwrap_or(usize::MAX));
            outputs::summary(&mut file, before, markdown)
        });
        match written {
            Ok(true) => self.used += markdown.len(),
            Ok(false) => ui.note("The summary of this step is full.\n"),
            Err(error) => ui.note(&format!("The summary cannot be written: {error}\n")),
        }
    }

    /// Shows findings beside their lines.
    pub fn annotate(&self, ui: &mut Ui, reporting: &Reporting, found: &[Finding], files: &SourceMap, folder: &str) {
        if !reporting.annotations {
            return;
        }
        let mut text = Vec::new();
        if outputs::annotations(&mut text, found, files, folder).is_ok() {
            ui.out(&String::from_utf8_lossy(&text));
        }
    }

    /// Writes a text to the log in which nothing is a command of the runner.
    pub fn log(ui: &mut Ui, text: &str) {
        let mut plain = Vec::new();
        if outputs::plain(&mut plain, text).is_ok() {
            ui.out(&String::from_utf8_lossy(&plain));
        }
    }

    /// Writes a file for the steps after this one, where the runner has a place for it.
    pub fn keep(&mut self, ui: &mut Ui, output: Output, name: &str, bytes: &[u8]) {
        let Some(folder) = variable("RUNNER_TEMP").map(|temp| PathBuf::from(temp).join("rolecall")) else { return };
        let path = folder.join(name);
        match std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(&path, bytes)) {
            Ok(()) => self.set(output, path.display()),
            Err(error) => ui.note(&format!("{} cannot be written: {error}\n", path.display())),
        }
    }

    /// Ends the run: the outputs are written, whatever came of it.
    pub fn end(mut self, ui: &mut Ui, done: Result<Exit, Failure>) -> Result<Exit, Failure> {
        // What is said of a stranger's files is no command of the runner.
        let done = done.map_err(|failure| Failure {
            message: defused(&failure.message),
            help: failure.help.as_deref().map(defused),
            ..failure
        });
        let exit = match &done {
            Ok(exit) => *exit,
            Err(failure) => failure.exit,
        };
        let reason = match exit {
            Exit::Done | Exit::Differences => None,
            Exit::Blocked => Some("blocked"),
            Exit::Stale => Some("plan-changed"),
            Exit::Partial => Some("apply-failed"),
            Exit::Error if matches!(&done, Err(failure) if failure.locked) => Some("locked"),
            Exit::Error => Some("error"),
        };
        if let Some(reason) = reason {
            self.set(Output::FailureReason, self.reason.unwrap_or(reason));
        }
        self.set(Output::ExitCode, exit.code());
        if let Err(failure) = &done {
            let text = format!("**{}**", crate::render::comment::sentence(&failure.message));
            self.summary(ui, &text);
        }
        if let Some(path) = variable("GITHUB_OUTPUT") {
            let written = OpenOptions::new().append(true).create(true).open(&path).and_then(|mut file| {
                self.outputs.iter().try_for_each(|(output, value)| outputs::output(&mut file, output.name(), value))
            });
            if let Err(error) = written {
                ui.note(&format!("the outputs cannot be written: {error}\n"));
            }
        }
        done
    }

    /// Who has started this very run: of one that is run again, whoever does that.
    pub fn starter(&self) -> Option<String> {
        variable("GITHUB_TRIGGERING_ACTOR").or_else(|| self.context.actor.clone())
    }

    /// The page of the repository.
    pub fn page(&self) -> String {
        self.context.page()
    }
}

/// A text in which the runner finds no command, in neither of its spellings.
pub fn defused(text: &str) -> String {
    text.replace("::", ": :").replace("##[", "## [")
}

/// The reviews of a pull request in the words of approvals.
///
/// # Errors
/// When GitHub does not tell.
pub async fn reviews(github: &GitHub, number: u64) -> Result<Vec<crate::approval::Review>, GithubError> {
    let all = github.reviews(number).await?;
    Ok(all
        .into_iter()
        .filter_map(|review| {
            let agrees = match review.state {
                github::ReviewState::Approved => Some(true),
                github::ReviewState::ChangesRequested | github::ReviewState::Dismissed => Some(false),
                _ => None,
            };
            Some(crate::approval::Review {
                by: review.user?.login,
                head: review.commit_id?,
                at: review.submitted_at?,
                agrees,
            })
        })
        .collect())
}
