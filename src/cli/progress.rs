//! What is seen on stderr while an apply runs.

use std::io::{IsTerminal, Write};
use std::sync::Mutex;

use crate::apply::{Fate, Progress};
use crate::model::Change;
use crate::render::{clean, describe};

/// So many changes get a line each where no terminal is; of more, only each hundredth does, and what
/// did not go well.
const LINES_MAX: usize = 50;

/// A line that changes on a terminal, lines that stay elsewhere.
#[derive(Debug)]
pub struct Lines {
    terminal: bool,
    open: Mutex<bool>,
}

impl Lines {
    /// Looks where stderr goes.
    pub fn new() -> Self {
        Self { terminal: std::io::stderr().is_terminal(), open: Mutex::new(false) }
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
