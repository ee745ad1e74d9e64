//! What is seen on stderr while an apply runs.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::sync::Mutex;
use std::time::Instant;

use crate::apply::{Fate, Progress};
use crate::model::{Change, Effect};
use crate::plan::mentions;
use crate::render::{clean, describe};

/// So many changes get a line each where no terminal is; of more, only each hundredth does, and what
/// did not go well.
const LINES_MAX: usize = 50;

/// A line that changes on a terminal, lines that stay elsewhere.
#[derive(Debug)]
pub struct Lines {
    terminal: bool,
    open: Mutex<bool>,
    /// Whose losses are timed.
    watched: Option<String>,
    losses: Mutex<BTreeMap<String, Instant>>,
}

impl Lines {
    /// Looks where stderr goes; the losses of `watched` are timed.
    pub fn new(watched: Option<&str>) -> Self {
        Self {
            terminal: std::io::stderr().is_terminal(),
            open: Mutex::new(false),
            watched: watched.map(str::to_owned),
            losses: Mutex::default(),
        }
    }

    /// When the last thing was taken from whoever is watched, by target.
    pub fn losses(&self) -> BTreeMap<String, Instant> {
        self.losses.lock().map(|losses| losses.clone()).unwrap_or_default()
    }

    fn watch(&self, target: &str, change: &Change) {
        let Some(watched) = &self.watched else { return };
        if change.effect() == Effect::Remove
            && mentions(change).iter().any(|(_, name)| name == watched)
            && let Ok(mut losses) = self.losses.lock()
        {
            losses.insert(target.to_owned(), Instant::now());
        }
    }

    /// Ends a line that is still open.
    pub fn end(&self) {
        if let Ok(mut open) = self.open.lock()
            && std::mem::take(&mut *open)
        {
            let _ = std::io::stderr().write_all(b"\r\x1b[K");
        }
    }
}

impl Progress for Lines {
    fn step(&self, target: &str, done: usize, total: usize, change: &Change, fate: Fate) {
        let good = fate == Fate::Applied;
        if good {
            self.watch(target, change);
        }
        let what = describe(change);
        let mut err = std::io::stderr().lock();
        let mark = match fate {
            Fate::Applied => "",
            Fate::Failed => "  FAILED",
            Fate::SetAside => "  set aside",
            Fate::Unknown => "  UNKNOWN",
            Fate::NotAttempted => "  not attempted",
        };
        let line = format!("[{done}/{total}] {target}: {}{mark}", clean(&what));
        if self.terminal {
            let short: String = line.chars().take(100).collect();
            let _ = write!(err, "\r\x1b[K{short}");
            let _ = err.flush();
            if let Ok(mut open) = self.open.lock() {
                *open = true;
            }
        } else if total <= LINES_MAX || done.is_multiple_of(100) || done == total || !good {
            let _ = writeln!(err, "{line}");
        }
    }
}
