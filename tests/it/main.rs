//! End to end: the built binary, as a user would run it, and the library where a process has to be
//! stopped between two of its steps. One crate, so that one binary is linked.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod canary;
mod common;
mod wire;

#[cfg(unix)]
mod action;
mod adopt;
mod blame;
mod budget;
mod catalogue_command;
mod catalogues;
#[cfg(unix)]
mod ci;
mod comment;
mod crash;
mod drift;
mod git;
mod github;
#[cfg(unix)]
mod gitstore;
mod guards;
mod help;
mod hostile;
mod import;
mod invalid;
mod judged;
mod kubernetes;
mod life;
mod locks;
mod many_systems;
mod moments;
mod offboard;
mod omni;
mod paradime;
mod plans;
mod questions;
mod review;
mod rules;
mod sandbox_omni;
mod sandbox_paradime;
mod sandbox_scim;
mod sandbox_strongly;
mod sandbox_terminusdb;
mod schemas;
mod scim;
mod several;
#[cfg(unix)]
mod signals;
mod strongly;
mod terminusdb;
