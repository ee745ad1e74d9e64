//! Answers that the sandbox does not give.
