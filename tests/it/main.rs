//! End-to-end tests, in one binary so that it is linked once.

mod help;
mod hostile;
mod import;
mod invalid;
mod schemas;
