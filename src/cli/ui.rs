//! The one place that writes to the terminal. Machine formats and results go to stdout, everything
//! else to stderr.

use std::io::{BufRead, IsTerminal, Write};

use super::{ColorChoice, Exit, Failure};
use crate::diagnostic::{Finding, SourceMap};
use crate::render::{Style, clean, findings_human};

/// Where a run writes, and how.
#[derive(Debug)]
pub struct Ui {
    out: Style,
    err: Style,
    /// Whether a result could not be written.
    lost: bool,
}

impl Ui {
    /// Settles colours and widths.
    #[must_use]
    pub fn new(color: ColorChoice) -> Self {
        let plain = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty())
            || std::env::var_os("TERM").is_some_and(|t| t == "dumb");
        let style = |terminal: bool| Style {
            color: match color {
                ColorChoice::Always => true,
                ColorChoice::Never => false,
                ColorChoice::Auto => terminal && !plain,
            },
            width: width(terminal),
        };
        Self { out: style(std::io::stdout().is_terminal()), err: style(std::io::stderr().is_terminal()), lost: false }
    }

    /// How stdout wants to be written to.
    #[must_use]
    pub fn out_style(&self) -> Style {
        self.out
    }

    /// How stderr wants to be written to.
    #[must_use]
    pub fn err_style(&self) -> Style {
        self.err
    }

    /// Writes a result. A reader who has gone away (`| head`) is no error.
    pub fn out(&mut self, text: &str) {
        let mut out = std::io::stdout().lock();
        if let Err(error) = out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            self.lost |= error.kind() != std::io::ErrorKind::BrokenPipe;
        }
    }

    /// Whether a result could not be written: then the run has failed, whatever else it did.
    #[must_use]
    pub fn has_lost_output(&self) -> bool {
        self.lost
    }

    /// Writes a status or progress line.
    pub fn note(&mut self, text: &str) {
        let mut err = std::io::stderr().lock();
        let _ = err.write_all(text.as_bytes()).and_then(|()| err.flush());
    }

    /// Writes findings for people to stderr.
    pub fn findings(&mut self, found: &[Finding], files: &SourceMap) {
        let text = findings_human::findings(found, files, self.err);
        self.note(&text);
    }

    /// Writes why a command failed.
    pub fn failure(&mut self, failure: &Failure) {
        let (red, bold, off) = if self.err.color { ("\u{1b}[1;31m", "\u{1b}[1m", "\u{1b}[0m") } else { ("", "", "") };
        let mut text = format!("{red}error{off}{bold}:{off} {}\n", clean(&failure.message));
        if let Some(help) = &failure.help {
            text.push_str(&format!("  help: {}\n", clean(help).replace('\n', "\n        ")));
        }
        self.note(&text);
    }

    /// Whether somebody is there to answer.
    #[must_use]
    pub fn can_ask(&self) -> bool {
        std::io::stdin().is_terminal()
    }

    /// Asks on stderr and reads a line. Only `yes` is yes.
    pub fn confirm(&mut self, question: &str) -> bool {
        self.note(question);
        let mut answer = String::new();
        let read = std::io::stdin().lock().read_line(&mut answer);
        read.is_ok() && answer.trim() == "yes"
    }
}

fn width(terminal: bool) -> usize {
    let said = std::env::var("COLUMNS").ok().and_then(|c| c.parse::<usize>().ok());
    let seen = || terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
    said.or_else(|| if terminal { seen() } else { None }).unwrap_or(100).clamp(40, 160)
}

/// Wrong usage is 1, not the parser's 2: 2 means differences here. Help and version are no errors.
pub(super) fn usage(error: &clap::Error) -> Exit {
    let _ = error.print();
    if error.use_stderr() { Exit::Error } else { Exit::Done }
}
