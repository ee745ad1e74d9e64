//! rolecall keeps who-may-do-what in Git.
//!
//! Data flows in one direction through the rooms of this house, in the order of the modules below:
//! bytes become a spanned document and then a desired [`model::Directory`]; a target's reader gives
//! the live one; [`plan`] compares the two, orders the changes and guards them; [`apply`] carries a
//! confirmed plan out through a target's writer and keeps the ledger in the [`store`]; [`render`]
//! shows each of these to people and machines, and [`github`] takes it to pull
//! requests. [`sandbox`] has local servers to try targets on.
//! `main.rs` only calls [`cli`].

pub mod diagnostic;
pub mod model;

pub mod config;

pub mod access;
pub mod approval;

pub mod invariants;
pub mod plan;

pub mod store;

pub mod git;

pub mod targets;

pub mod sandbox;

pub mod apply;
pub mod drift;
pub mod review;

pub mod render;

pub mod github;

pub mod cli;
