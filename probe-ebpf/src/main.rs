//! Kernel programs.

fn main() {}
