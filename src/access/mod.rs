//! Who can do what, and why: effective access of the state before a plan, after it, and at every
//! moment in between.

mod bits;
mod measure;
mod meeting;
#[cfg(test)]
pub(crate) mod naive;
mod reach;
mod world;

pub use bits::Bits;
pub use measure::{Given, Measure, RoleBits};
pub use meeting::Meeting;
pub use reach::{Invited, Step, Way};
pub use world::{At, World};
