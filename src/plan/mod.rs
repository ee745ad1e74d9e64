//! From two directories to a plan: the difference as typed changes, their order with its reasons, the
//! guards that judge it, and the saved plan with its digest.

mod align;
mod diff;
mod domains;
mod edges;
mod policies;
mod resources;
mod roles;
mod teams;
mod users;
mod work;

pub use diff::{Difference, Options, Planned, Remark, difference};
