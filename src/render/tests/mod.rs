//! What people read, as they read it.

mod fixture;
mod hostile;
mod large;
mod lines;
mod logs;
mod plans;
