//! probe: injects faults into the traffic of a Linux host and tells which resilience patterns
//! answered.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "the modules are written before the commands that use them"
)]

mod endpoint;
mod game_day;
mod mistake;
mod model;
mod plan;
mod quantity;
mod report;
mod scenario;
mod snapshot;
mod verdict;

fn main() {}
