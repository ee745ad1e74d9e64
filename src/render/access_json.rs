//! Answers to questions about access, for programs: `schemas/answers.schema.json`.

use schemars::JsonSchema;
use serde::Serialize;

use crate::access::{Can, Explanation, Judgement, Outcome, Who};
use crate::diagnostic::Location;
use crate::model::{Claim, Says, Subject};

/// Which state was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// What the files declare, as if there were nothing else.
    Declared,
    /// What is live.
    Live,
    /// What a saved plan leads to.
    Planned,
}

impl State {
    /// The words that people see.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Declared => "as declared",
            Self::Live => "live",
            Self::Planned => "after the plan",
        }
    }
}

/// Any of the answers.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Answer {
    /// Of `explain`.
    Explain(ExplainDocument),
    /// Of `can`.
    Can(CanDocument),
    /// Of `who`.
    Who(WhoDocument),
    /// Of `test`.
    Test(TestDocument),
}

/// The answer of `explain`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ExplainDocument {
    /// `rolecall.explain/1`. Later minor changes only add keys.
    pub format: String,
    /// Which state was asked.
    pub state: State,
    /// By target.
    pub answers: Vec<Explanation>,
}

/// The answer of `can`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CanDocument {
    /// `rolecall.can/1`. Later minor changes only add keys.
    pub format: String,
    /// Which state was asked.
    pub state: State,
    /// The answer: of several targets the least.
    pub can: Can,
    /// By target.
    pub answers: Vec<Explanation>,
}

/// The answer of `who`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct WhoDocument {
    /// `rolecall.who/1`. Later minor changes only add keys.
    pub format: String,
    /// Which state was asked.
    pub state: State,
    /// By target.
    pub answers: Vec<Who>,
}

/// What became of the access tests.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TestDocument {
    /// `rolecall.test/1`. Later minor changes only add keys.
    pub format: String,
    /// Which state was asked.
    pub state: State,
    /// How many tests passed.
    pub passed: usize,
    /// How many did not, those that cannot be known among them.
    pub failed: usize,
    /// The tests, in the order of the files.
    pub tests: Vec<TestEntry>,
}

/// One access test.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TestEntry {
    /// What it claims, in words.
    pub claim: String,
    /// Why this must be so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
    /// Where it stands.
    pub declared: Location,
    /// What became of it: the worst of its targets.
    pub outcome: Outcome,
    /// What became of it in each target that it concerns.
    pub targets: Vec<TargetEntry>,
}

/// What became of an access test in one target.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TargetEntry {
    /// The target.
    pub target: String,
    /// What became of it there.
    #[serde(flatten)]
    pub judgement: Judgement,
}

impl TestEntry {
    /// An entry without targets yet.
    #[must_use]
    pub fn new<O>(claim: &Claim<O>, declared: Location) -> Self {
        Self {
            claim: words(claim),
            because: claim.because.clone(),
            declared,
            outcome: Outcome::Passed,
            targets: Vec::new(),
        }
    }

    /// Adds what became of it in a target.
    pub fn add(&mut self, target: &str, judgement: Judgement) {
        self.outcome = match (self.outcome, judgement.outcome) {
            (Outcome::Failed, _) | (_, Outcome::Failed) => Outcome::Failed,
            (a, b) => a.max(b),
        };
        self.targets.push(TargetEntry { target: target.to_owned(), judgement });
    }
}

/// A claim in words: `grace@acme.example cannot edit on project/fraud`.
fn words<O>(claim: &Claim<O>) -> String {
    let subject = match &claim.subject {
        Subject::User(email) => email.clone(),
        Subject::Team(team) => format!("team/{team}"),
        Subject::Everyone => "everyone".to_owned(),
        Subject::Only(list) => {
            format!("only {}", list.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
        }
    };
    let on = claim.on.as_ref().map(|r| format!(" on {r}")).unwrap_or_default();
    match &claim.says {
        Says::Can(ability) => format!("{subject} can {}{on}", ability.said),
        Says::Cannot(ability) => format!("{subject} cannot {}{on}", ability.said),
        Says::Role(role) => format!("{subject} has exactly the role {}{on}", role.said),
    }
}

/// The document of `explain`.
#[must_use]
pub fn explain(state: State, answers: Vec<Explanation>) -> ExplainDocument {
    ExplainDocument { format: "rolecall.explain/1".to_owned(), state, answers }
}

/// The document of `can`.
#[must_use]
pub fn can(state: State, can: Can, answers: Vec<Explanation>) -> CanDocument {
    CanDocument { format: "rolecall.can/1".to_owned(), state, can, answers }
}

/// The document of `who`.
#[must_use]
pub fn who(state: State, answers: Vec<Who>) -> WhoDocument {
    WhoDocument { format: "rolecall.who/1".to_owned(), state, answers }
}

/// The document of `test`.
#[must_use]
pub fn tests(state: State, tests: Vec<TestEntry>) -> TestDocument {
    let passed = tests.iter().filter(|t| t.outcome == Outcome::Passed).count();
    TestDocument { format: "rolecall.test/1".to_owned(), state, passed, failed: tests.len() - passed, tests }
}
