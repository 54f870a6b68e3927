//! The chores of this repository, as `cargo xtask COMMAND`: one file a command.

mod bench;
mod ci;
mod demo;
mod ebpf;
mod ground_truth;
mod process;
mod setup;
mod soak;
mod test;
mod tidy;
mod vm;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The chores of this repository.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Get what is missing on this machine, each only where it is needed
    Setup(setup::Arguments),
    /// Build the kernel object that probe embeds
    Ebpf(ebpf::Arguments),
    /// Run every check there is; the last line counts them
    Test(test::Arguments),
    /// Run the tests of the kernel programs in virtual machines
    Vm(vm::Arguments),
    /// Run the game day of the README on this machine
    Demo(demo::Arguments),
    /// Measure what probe costs
    Bench(bench::Arguments),
    /// Hold what is said of resilience patterns against clients whose behaviour is known
    GroundTruth(ground_truth::Arguments),
    /// Run the trials that take too long for every day
    Soak(soak::Arguments),
    /// Check the rules of the house that a machine can check
    Tidy,
    /// The same as test, where what can't run is a failure
    Ci,
}

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Chore::Setup(arguments) => setup::command(&arguments),
        Chore::Ebpf(arguments) => ebpf::command(&arguments),
        Chore::Test(arguments) => test::command(&arguments),
        Chore::Vm(arguments) => vm::command(&arguments),
        Chore::Demo(arguments) => demo::command(&arguments),
        Chore::Bench(arguments) => bench::command(&arguments),
        Chore::GroundTruth(arguments) => ground_truth::command(&arguments),
        Chore::Soak(arguments) => soak::command(&arguments),
        Chore::Tidy => tidy::command(),
        Chore::Ci => ci::command(),
    };
    result.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}
