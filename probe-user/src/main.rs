//! probe.

fn main() {}
