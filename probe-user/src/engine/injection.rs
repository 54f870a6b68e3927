//! One fault, now: what `probe inject` does.
