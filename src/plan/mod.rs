//! From two directories to a plan: the difference as typed changes, their order with its reasons, the
//! guards that judge it, and the saved plan with its digest.

mod align;
mod apart;
mod called;
mod cell;
mod confirmed;
mod consent;
mod diff;
mod domains;
mod edges;
mod end;
mod graph;
mod headcount;
mod judge;
mod make;
mod mentions;
mod moved;
mod order;
mod policies;
mod reach;
mod renames;
mod resources;
mod roles;
mod saved;
mod search;
mod structure;
mod teams;
mod told;
mod touched;
mod types;
mod undeclared;
mod users;
mod whole;
mod work;

pub use confirmed::{By, Confirmed};
#[cfg(test)]
mod moments;
#[cfg(test)]
mod properties;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub use consent::{Consent, ConsentError, Subject};
pub use diff::{Difference, Options, Planned, Remark, difference};
pub use make::{Context, plan};
pub use mentions::mentions;
pub use moved::{farther, moved};
pub use order::{Conflict, Edge, Loss, Ordered, Reason, Situation, Step, order};
pub use reach::{Belongings, ByHand, Hands, Reach, leaving};
pub use renames::{Renaming, declared_renamings, renamings};
pub use saved::{PlanError, SIZE_MAX, digest, load, save};
pub use types::{Between, FORMAT, Judged, Limit, Note, Observed, Plan, Promise, Revision, TargetPlan, Unread};
pub use undeclared::no_longer_declared;
pub use whole::{Forecast, Shrunk, shrunk};
