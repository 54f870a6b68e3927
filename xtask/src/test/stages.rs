//! The stages, each one function. What isn't a run of `cargo test` counts as one test.

use std::process::Command;
use std::time::Duration;

use anyhow::Result;

use super::Outcome;
use super::count::{Count, failure_of_line};
use super::root;
use crate::setup::{self, DEFAULT_KERNEL};
use crate::workspace::{self, HOST_CRATES, cargo};
use crate::{ebpf, process, soak, tidy, vm};

/// How long the virtual machine may take, emulation and a busy machine included.
const VM_PATIENCE: Duration = Duration::from_secs(1_800);

/// A stage of the tests.
pub(super) struct Stage {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) run: fn(&mut Needs) -> Result<Outcome>,
}

/// All stages, in the order they run: what is quick to tell comes first.
pub(super) const STAGES: [Stage; 9] = [
    Stage {
        name: "setup",
        about: "get what the other stages need",
        run: get_needs,
    },
    Stage {
        name: "fmt",
        about: "is every file formatted",
        run: rustfmt,
    },
    Stage {
        name: "tidy",
        about: "do the rules of the house hold",
        run: house_rules,
    },
    Stage {
        name: "clippy",
        about: "is there no warning",
        run: clippy,
    },
    Stage {
        name: "object",
        about: "is the kernel object what its source gives",
        run: object,
    },
    Stage {
        name: "unit",
        about: "tests that need nothing",
        run: unit,
    },
    Stage {
        name: "fuzz",
        about: "do the parsers stand hostile input, 250,000 times each",
        run: fuzz,
    },
    Stage {
        name: "root",
        about: "tests that need root and network namespaces",
        run: root,
    },
    Stage {
        name: "vm",
        about: "tests on another kernel, in a virtual machine",
        run: virtual_machine,
    },
];

/// What stages need that is not part of Rust. Each is tried once: a stage that comes later must not
/// wait a second time for a network that isn't there.
#[derive(Default)]
pub(super) struct Needs {
    bpf_toolchain: Option<Result<(), String>>,
    test_tools: Option<Result<(), String>>,
    vm: Option<Result<(), String>>,
    cargo_fuzz: Option<Result<(), String>>,
}

impl Needs {
    fn bpf_toolchain(&mut self) -> Result<(), String> {
        once(&mut self.bpf_toolchain, || {
            setup::ensure_rust_src()?;
            setup::ensure_bpf_linker()?;
            Ok(())
        })
    }

    fn test_tools(&mut self) -> Result<(), String> {
        once(&mut self.test_tools, setup::ensure_test_tools)
    }

    fn cargo_fuzz(&mut self) -> Result<(), String> {
        once(&mut self.cargo_fuzz, || {
            setup::ensure_cargo_fuzz()?;
            Ok(())
        })
    }

    fn vm(&mut self) -> Result<(), String> {
        once(&mut self.vm, || vm::prepare(DEFAULT_KERNEL))
    }
}

fn once(
    slot: &mut Option<Result<(), String>>,
    get: impl FnOnce() -> Result<()>,
) -> Result<(), String> {
    slot.get_or_insert_with(|| get().map_err(|error| format!("{error:#}")))
        .clone()
}

fn get_needs(needs: &mut Needs) -> Result<Outcome> {
    let mut missing = vec![needs.bpf_toolchain(), needs.cargo_fuzz(), needs.vm()];
    // Nobody else's tests run them, and installing for nothing would ask for a password.
    if process::is_root() {
        missing.push(needs.test_tools());
    }
    let missing: Vec<_> = missing.into_iter().filter_map(Result::err).collect();
    Ok(if missing.is_empty() {
        Outcome::Ran(Count::one(true))
    } else {
        Outcome::Skipped(missing.join("\n"))
    })
}

fn rustfmt(_: &mut Needs) -> Result<Outcome> {
    succeeds(cargo().args(["fmt", "--all", "--check"]))
}

fn house_rules(_: &mut Needs) -> Result<Outcome> {
    Ok(Outcome::Ran(Count::one(tidy::check()?)))
}

fn clippy(_: &mut Needs) -> Result<Outcome> {
    let crates = ["--workspace", "--exclude", "probe-ebpf", "--all-targets"];
    let strict = ["--", "-D", "warnings"];
    process::run(
        cargo()
            .args(["clippy", "--locked"])
            .args(crates)
            .args(strict),
    )?;
    if has_kernel_library() {
        let library = ["clippy", "--locked", "-p", "probe-ebpf", "--lib"];
        process::run(cargo().args(library).args(strict))?;
    }
    Ok(Outcome::Ran(Count::one(true)))
}

fn object(needs: &mut Needs) -> Result<Outcome> {
    if let Err(reason) = needs.bpf_toolchain() {
        return Ok(Outcome::Skipped(reason));
    }
    ebpf::check()?;
    Ok(Outcome::Ran(Count::one(true)))
}

fn unit(_: &mut Needs) -> Result<Outcome> {
    let mut count = cargo_test(cargo_test_command().args(HOST_CRATES))?;
    count += cargo_test(cargo_test_command().args(["-p", "xtask"]))?;
    if has_kernel_library() {
        count += cargo_test(cargo_test_command().args(["-p", "probe-ebpf", "--lib"]))?;
    }
    Ok(Outcome::Ran(count))
}

fn fuzz(needs: &mut Needs) -> Result<Outcome> {
    if let Err(reason) = needs.cargo_fuzz() {
        return Ok(Outcome::Skipped(reason));
    }
    Ok(Outcome::Ran(Count {
        passed: soak::fuzz_sample()?,
        ..Count::default()
    }))
}

fn root(needs: &mut Needs) -> Result<Outcome> {
    if !process::is_root() {
        return Ok(Outcome::Skipped("this user is not root".to_owned()));
    }
    if let Err(reason) = needs.test_tools() {
        return Ok(Outcome::Skipped(reason));
    }
    Ok(Outcome::Ran(root::run()?))
}

fn virtual_machine(needs: &mut Needs) -> Result<Outcome> {
    if let Some(reason) = vm::missing_program() {
        return Ok(Outcome::Skipped(reason));
    }
    if let Err(reason) = needs.vm() {
        return Ok(Outcome::Skipped(reason));
    }
    let outcome = vm::test(DEFAULT_KERNEL, VM_PATIENCE, "")?;
    Ok(Outcome::Ran(Count {
        passed: outcome.passed,
        failed: outcome.failed,
        ..Count::default()
    }))
}

/// Whether what the kernel programs compute also compiles for the host, to be tested there.
fn has_kernel_library() -> bool {
    workspace::root().join("probe-ebpf/src/lib.rs").is_file()
}

pub(super) fn cargo_test_command() -> Command {
    let mut command = cargo();
    command.args(["test", "--locked", "--no-fail-fast"]);
    command
}

/// Runs `cargo test`, showing what it prints as it comes, and counts.
pub(super) fn cargo_test(command: &mut Command) -> Result<Count> {
    let mut count = Count::default();
    let status = process::stream(command, |line| {
        println!("{line}");
        count.failures.extend(failure_of_line(line));
        count += Count::of_line(line).unwrap_or_default();
    })?;
    if !status.success() && count.failed == 0 {
        // A test program that didn't compile, or died before it could count.
        println!("{} failed: {status}", process::describe(command));
        count += Count::one(false);
    }
    Ok(count)
}

fn succeeds(command: &mut Command) -> Result<Outcome> {
    process::run(command)?;
    Ok(Outcome::Ran(Count::one(true)))
}
