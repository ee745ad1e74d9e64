//! Carrying out a plan that was confirmed, and telling truthfully what became of it.

mod report;

pub use report::*;
