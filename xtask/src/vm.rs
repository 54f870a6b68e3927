//! `cargo xtask vm`: boots Debian's kernels in virtual machines and runs the kernel tests there.
//! Emulated throughout, so it needs no root and no KVM, and timings in it mean nothing.

mod bench;
mod console;
mod cpio;
mod guest;
mod machine;
mod modules;
mod run;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::process::{find, note};
use crate::setup::{self, DEFAULT_KERNEL, KERNELS};
use crate::workspace;
use console::Outcome;

/// The program of the tests crate that runs in the machine.
const TEST_PROGRAM: &str = "vm-init";

/// What `cargo xtask vm` takes.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Boot a kernel and run the tests in it
    Test(TestArguments),
    /// Boot a kernel and inject the same faults by probe and by netem, side by side
    Bench(BenchArguments),
    /// Boot a kernel and run a game day in it, in a lab; the exit code is probe's
    Run(run::Arguments),
}

#[derive(clap::Args)]
struct BenchArguments {
    /// Which kernel
    #[arg(long, default_value = DEFAULT_KERNEL)]
    kernel: String,
    /// Seconds after which the machine is given up
    #[arg(long, default_value_t = 1200)]
    timeout: u64,
    /// Put the table into docs/performance.md
    #[arg(long)]
    write: bool,
}

#[derive(clap::Args)]
struct TestArguments {
    /// Which kernel, or `all`
    #[arg(long, default_value = DEFAULT_KERNEL)]
    kernel: String,
    /// Seconds after which the machine is given up
    #[arg(long, default_value_t = 900)]
    timeout: u64,
    /// Run only the tests with this in their names
    #[arg(long, default_value = "")]
    only: String,
}

/// Runs the tests on the kernels asked for.
///
/// # Errors
/// If a machine can't be built or started. Failed tests are in the exit code.
pub(crate) fn command(arguments: &Arguments) -> Result<ExitCode> {
    let arguments = match &arguments.command {
        Action::Test(arguments) => arguments,
        Action::Bench(arguments) => {
            let patience = Duration::from_secs(arguments.timeout);
            return bench::run(&arguments.kernel, patience, arguments.write);
        }
        Action::Run(arguments) => return run::run(arguments),
    };
    let all = arguments.kernel == "all";
    let names: Vec<_> = KERNELS.iter().map(|kernel| kernel.name).collect();
    let mut failed = 0;
    for name in if all {
        names
    } else {
        vec![arguments.kernel.as_str()]
    } {
        let outcome = test(
            name,
            Duration::from_secs(arguments.timeout),
            &arguments.only,
        )?;
        println!(
            "kernel {name}: {} passed, {} failed",
            outcome.passed, outcome.failed
        );
        failed += outcome.failed;
    }
    Ok(if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Why there is nothing to run, if so.
pub(crate) fn missing_program() -> Option<String> {
    let missing = !workspace::has_program("tests", TEST_PROGRAM);
    missing.then(|| format!("the tests crate has no program `{TEST_PROGRAM}`"))
}

/// Gets what a machine with the kernel `name` needs.
///
/// # Errors
/// If it can't be had.
pub(crate) fn prepare(name: &str) -> Result<()> {
    setup::ensure_debian(&setup::VM_TOOLS)?;
    setup::busybox()?;
    setup::ensure_vm_kernel(setup::kernel_named(name)?)?;
    Ok(())
}

/// Boots the kernel `name`, runs those of the tests in it that are asked for and counts them, printing what the machine says.
///
/// # Errors
/// If the machine can't be built or started.
pub(crate) fn test(name: &str, patience: Duration, only: &str) -> Result<Outcome> {
    Ok(boot(name, patience, only)?.outcome)
}

/// A file that is put into a machine.
struct Given {
    /// Where it is there, without the slash at its front.
    path: &'static str,
    content: Vec<u8>,
}

impl Given {
    fn new(path: &'static str, content: impl Into<Vec<u8>>) -> Self {
        let content = content.into();
        Self { path, content }
    }
}

/// What is booted.
struct Booted<'a> {
    /// Which kernel.
    kernel: &'a str,
    /// After which time it is given up.
    patience: Duration,
    /// What its program is asked for.
    only: &'a str,
    /// Files that are put into it.
    given: &'a [Given],
    /// Where what it writes on its second serial line goes.
    second_line: Option<&'a Path>,
}

/// Boots the kernel `name` and tells all that its run came to.
fn boot(name: &str, patience: Duration, only: &str) -> Result<machine::Run> {
    boot_with(&Booted {
        kernel: name,
        patience,
        only,
        given: &[],
        second_line: None,
    })
}

/// Boots a kernel and tells all that its run came to.
fn boot_with(booted: &Booted<'_>) -> Result<machine::Run> {
    let (name, patience) = (booted.kernel, booted.patience);
    if let Some(reason) = missing_program() {
        bail!("test kernel {name}: {reason}");
    }
    prepare(name)?;
    let kernel = setup::ensure_vm_kernel(setup::kernel_named(name)?)?;
    let programs = workspace::build_programs()?;
    let folder = workspace::target_dir().join("vm");
    let guest = guest::Guest {
        kernel: &kernel,
        busybox: &setup::busybox()?,
        programs: &[
            ("vm-init", programs.join(TEST_PROGRAM)),
            ("probe", programs.join("probe")),
            ("lab", programs.join("lab")),
            ("ip", tool("ip")?),
            ("tc", tool("tc")?),
        ],
        files: &tables(),
        scratch: &folder,
        patience,
        only: booted.only,
        given: booted.given,
    };
    let initramfs = folder.join(format!("initramfs-{name}.cpio"));
    let archive = guest.initramfs()?;
    fs::write(&initramfs, &archive)?;
    note(&format!(
        "booting Linux {} with {} MB",
        kernel.release,
        archive.len() / 1_000_000
    ));
    machine::run(&kernel, &initramfs, patience, booted.second_line)
}

/// The tables of tc's distributions for netem, where this machine has them.
fn tables() -> Vec<PathBuf> {
    let folders = ["/usr/lib/tc", "/usr/lib/x86_64-linux-gnu/tc"];
    let entries = folders
        .iter()
        .filter_map(|folder| fs::read_dir(folder).ok());
    entries
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .collect()
}

/// Where a program of the machine's own is that the tests run as well.
fn tool(name: &str) -> Result<PathBuf> {
    find(name).with_context(|| format!("find {name}"))
}
