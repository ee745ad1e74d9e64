//! End-to-end tests, in one binary so that it is linked once.

mod hostile;
mod invalid;
