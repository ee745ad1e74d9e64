//! Answers in the shapes of the fact sheet, and what becomes of them.
