//! Local servers that speak the APIs of real systems, to try rolecall out and to test against: they
//! listen on the loopback interface only, keep their state in an embedded directory, and do on demand
//! what real servers do badly.
//!
//! [`server`] is the same for all of them: one thread that serves an [`Api`], the token, the faults of
//! the transport ([`fault`]) and the log of requests. [`keep`] writes the state to a directory's file.
//! One folder for each system holds its API.

mod declared;
pub mod fault;
pub mod keep;
mod message;
pub mod omni;
pub mod paradime;
pub mod scim;
pub mod server;
pub mod strongly;
mod table;
pub mod terminusdb;

pub use fault::{Active, FaultError, Spec};
pub use message::{Answer, Request};
pub use server::{Api, Call, Handle, Logged, Serve, StartError, Token};
