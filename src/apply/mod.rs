//! Carrying out a plan: change by change through a target's writer, with a record before and after
//! each, so that whatever happens in between, the next run knows where reality stands.

mod report;
mod resume;
mod run;

pub use report::{Fate, REPORT_FORMAT, Report, StepReport, TargetReport};
pub use resume::{Remainder, ResumeError, memory, remainder, resolve};
pub use run::{Budget, Job, Progress, Stop, run};
