//! A shop, its dependencies and its customers, on real sockets in network namespaces of their own:
//! a system to try resilience patterns on. It injects no faults and observes nothing but itself.

mod backstage;
mod cli;
mod client;
mod clock;
mod customers;
mod dependency;
mod janitor;
mod latency;
mod lock;
mod namespace;
mod network;
mod pidfd;
mod record;
mod refusal;
mod resolver;
mod role;
mod rush;
mod seed;
mod server;
mod shop;
mod topology;
mod up;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Command};
use crate::refusal::Refusal;

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Up(arguments) => up::run(arguments),
        Command::Down { name } => backstage::down(&name),
        Command::Rush(arguments) => rush::run(&arguments),
        Command::Role(arguments) => role::run(arguments),
        Command::Janitor { name } => janitor::run(&name),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            match error.downcast_ref::<Refusal>() {
                Some(refusal) => {
                    eprintln!("hint: {}", refusal.hint);
                    ExitCode::from(2)
                }
                None => ExitCode::FAILURE,
            }
        }
    }
}
