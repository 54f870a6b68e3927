//! probe: injects faults into the traffic of a Linux host and tells which resilience patterns
//! answered.

mod kernel;
mod model;
mod plan;
mod snapshot;
#[allow(
    dead_code,
    unreachable_pub,
    unused_imports,
    reason = "the engine that runs it comes next"
)]
mod tui;

fn main() {}
