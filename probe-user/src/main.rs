//! probe: injects faults into the traffic of a Linux host and tells which resilience patterns
//! answered.

mod kernel;
mod model;
mod plan;
mod snapshot;

fn main() {}
