//! The proof that somebody agreed to a plan: without one, nothing that could change a target can be
//! made.

use super::Plan;

/// How a plan came to be agreed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Somebody saw it and said yes.
    Answer,
    /// It is the plan that was reviewed: its digest is the same.
    Digest,
    /// It is what remains of a reviewed plan after an apply of it was cut off.
    Remainder,
    /// Somebody said beforehand that any plan that the rules let pass will do (`--auto-approve`).
    Beforehand,
}

/// A plan that somebody agreed to, and that no rule forbids.
#[derive(Debug, Clone, Copy)]
pub struct Confirmed<'p> {
    plan: &'p Plan,
    by: By,
}

impl<'p> Confirmed<'p> {
    /// Takes note of the agreement; `None` for a plan that a rule forbids, to which nobody can agree, and for one
    /// between two revisions, for which nothing live was read.
    #[must_use]
    pub fn new(plan: &'p Plan, by: By) -> Option<Self> {
        (!plan.is_blocked() && plan.between.is_none()).then_some(Self { plan, by })
    }

    /// The plan.
    #[must_use]
    pub fn plan(&self) -> &'p Plan {
        self.plan
    }

    /// How it was agreed to.
    #[must_use]
    pub fn by(&self) -> By {
        self.by
    }
}
