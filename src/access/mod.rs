//! Who can do what, and why: effective access of the state before a plan, after it, and at every
//! moment in between.

mod ask;
mod bits;
mod claims;
mod difference;
mod explain;
mod files;
mod gains;
mod lines;
mod measure;
mod meeting;
#[cfg(test)]
pub(crate) mod naive;
#[cfg(test)]
mod properties;
mod reach;
mod rows;
#[cfg(test)]
pub(crate) mod tests;
mod told;
mod who;
mod world;

pub use ask::{Asked, Asker};
pub use bits::Bits;
pub use claims::{Failed, Judgement, Outcome, judge};
pub use difference::{Cause, Differences, Entry, Group, differences};
pub use files::{Declared, Files};
pub use gains::{Gained, extended, gained};
pub use lines::{AccessDifference, AccessEffect, AccessLine, AccessRisk, AccountChange, Through, told};
pub use measure::{Given, Measure, RoleBits};
pub use meeting::Meeting;
pub use reach::{Invited, Step, Way};
pub use told::{Can, Edge, Explanation, Holder, Link, Missing, OnResource, Path, Source, Via, Who};
pub use world::{At, World};
