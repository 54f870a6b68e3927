//! The chores of this repository, as `cargo xtask COMMAND`: one file a command.

mod ebpf;
mod process;
mod setup;
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
    /// Run the tests of the kernel programs in virtual machines
    Vm(vm::Arguments),
    /// Check the rules of the house that a machine can check
    Tidy,
}

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Chore::Setup(arguments) => setup::command(&arguments),
        Chore::Ebpf(arguments) => ebpf::command(&arguments),
        Chore::Vm(arguments) => vm::command(&arguments),
        Chore::Tidy => tidy::command(),
    };
    result.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}
