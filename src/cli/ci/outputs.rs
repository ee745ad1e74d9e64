//! The outputs of a step that runs `rolecall ci`, by which later steps of a workflow know what came of it.

/// An output. `action.yml` passes each on under the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Output {
    /// Whether there is something to do.
    Changes,
    /// The exit code of the run.
    ExitCode,
    /// How many people gain access.
    Gains,
    /// How many people lose access.
    Losses,
    /// How many things are added.
    ToAdd,
    /// How many things are changed.
    ToChange,
    /// How many things are removed.
    ToRemove,
    /// The digest of the plan.
    PlanDigest,
    /// The file with the plan.
    PlanPath,
    /// The file with the plan for programs.
    JsonPlanPath,
    /// The file with the compiled files.
    CompiledPath,
    /// The id of the comment.
    CommentId,
    /// The address of the comment.
    CommentUrl,
    /// The id of the check run.
    CheckId,
    /// The number of the pull request.
    PullRequest,
    /// Whether something drifted.
    Drift,
    /// The address of the issue about drift.
    IssueUrl,
    /// Whether a rule, a guard or a missing approval stops the plan.
    Blocked,
    /// Why the run failed.
    FailureReason,
    /// Whose approval is missing.
    RequiredApprovers,
}

impl Output {
    /// All of them, in the order of `action.yml`.
    pub const ALL: [Self; 20] = [
        Self::Changes,
        Self::ExitCode,
        Self::Gains,
        Self::Losses,
        Self::ToAdd,
        Self::ToChange,
        Self::ToRemove,
        Self::PlanDigest,
        Self::PlanPath,
        Self::JsonPlanPath,
        Self::CompiledPath,
        Self::CommentId,
        Self::CommentUrl,
        Self::CheckId,
        Self::PullRequest,
        Self::Drift,
        Self::IssueUrl,
        Self::Blocked,
        Self::FailureReason,
        Self::RequiredApprovers,
    ];

    /// Its name in a workflow: `steps.ID.outputs.NAME`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Changes => "changes",
            Self::ExitCode => "exitcode",
            Self::Gains => "gains",
            Self::Losses => "losses",
            Self::ToAdd => "to-add",
            Self::ToChange => "to-change",
            Self::ToRemove => "to-remove",
            Self::PlanDigest => "plan-digest",
            Self::PlanPath => "plan-path",
            Self::JsonPlanPath => "json-plan-path",
            Self::CompiledPath => "compiled-path",
            Self::CommentId => "comment-id",
            Self::CommentUrl => "comment-url",
            Self::CheckId => "check-id",
            Self::PullRequest => "pull-request",
            Self::Drift => "drift",
            Self::IssueUrl => "issue-url",
            Self::Blocked => "blocked",
            Self::FailureReason => "failure-reason",
            Self::RequiredApprovers => "required-approvers",
        }
    }

    /// What it says, in one line: the description in `action.yml`.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Changes => "Whether there is something to do: true or false",
            Self::ExitCode => "The exit code of rolecall",
            Self::Gains => "How many people gain access",
            Self::Losses => "How many people lose access",
            Self::ToAdd => "How many things the plan adds",
            Self::ToChange => "How many things the plan changes",
            Self::ToRemove => "How many things the plan removes",
            Self::PlanDigest => "The digest of the plan: sha256 and hexadecimal digits",
            Self::PlanPath => "The file with the plan as a page",
            Self::JsonPlanPath => "The file with the plan for programs",
            Self::CompiledPath => "The file that compile wrote",
            Self::CommentId => "The id of the comment in the pull request",
            Self::CommentUrl => "The address of the comment in the pull request",
            Self::CheckId => "The id of the check run",
            Self::PullRequest => "The number of the pull request",
            Self::Drift => "How many differences nobody declared",
            Self::IssueUrl => "The address of the issue about drift",
            Self::Blocked => "Whether a rule, a guard or a missing approval stops the plan: true or false",
            Self::FailureReason => {
                "Why the run failed: plan-changed, blocked, apply-failed, locked, rate-limited or error"
            }
            Self::RequiredApprovers => "Whose approval is missing, between commas",
        }
    }
}
