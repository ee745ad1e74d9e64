//! The `rolecall` binary.

fn main() {}
