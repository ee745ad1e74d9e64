//! Who can do what, and why: effective access of the state before a plan, after it, and at every
//! moment in between.

mod bits;
mod difference;
mod lines;
mod measure;
mod meeting;
#[cfg(test)]
pub(crate) mod naive;
mod reach;
#[cfg(test)]
mod tests;
mod world;

pub use bits::Bits;
pub use difference::{Account, Cause, Differences, Entry, Group, differences};
pub use lines::{AccessDifference, AccessEffect, AccessLine, AccessRisk, AccountChange, Through, told};
pub use measure::{Given, Measure, RoleBits};
pub use meeting::Meeting;
pub use reach::{Invited, Step, Way};
pub use world::{At, World};
