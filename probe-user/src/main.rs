//! probe: injects faults into the traffic of a Linux host and tells which resilience patterns
//! answered.

mod audit;
mod cli;
mod endpoint;
mod engine;
mod fault;
mod game_day;
mod import;
mod journal;
mod kernel;
mod mistake;
mod model;
mod pattern;
mod plan;
mod protection;
mod protocol;
mod quantity;
mod report;
mod scenario;
mod snapshot;
mod tui;
mod verdict;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
