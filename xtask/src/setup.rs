//! `cargo xtask setup`: gets what is missing on this machine, each only where it is needed, the
//! ordinary way first. The other commands call the functions below for just what they need.

mod apt;
mod bpf_linker;
mod cargo_fuzz;
mod debian;
mod node;
mod python;
mod rust_src;
mod servers;
mod vm_kernel;

use std::process::ExitCode;

use anyhow::Result;

use crate::process::{find, note};

pub(crate) use bpf_linker::ensure_bpf_linker;
pub(crate) use cargo_fuzz::ensure_cargo_fuzz;
pub(crate) use debian::{busybox, ensure_debian};
pub(crate) use node::ensure_node;
pub(crate) use python::ensure_python;
pub(crate) use rust_src::ensure_rust_src;
pub(crate) use servers::ensure_servers;
pub(crate) use vm_kernel::{KERNELS, KernelFiles, ensure_vm_kernel, kernel_named};

/// The kernel the tests boot unless told otherwise.
pub(crate) const DEFAULT_KERNEL: &str = "6.12";

/// Debian's packages that the tests need on the machine, and the program each is wanted for.
pub(crate) const TEST_TOOLS: [Tool; 3] = [
    Tool {
        package: "iproute2",
        program: "ip",
    },
    Tool {
        package: "iputils-ping",
        program: "ping",
    },
    Tool {
        package: "iperf3",
        program: "iperf3",
    },
];

/// Debian's packages that a virtual machine needs on the host.
pub(crate) const VM_TOOLS: [Tool; 2] = [
    Tool {
        package: "qemu-system-x86",
        program: "qemu-system-x86_64",
    },
    // Put into the machine: busybox's `ip` knows no network namespaces.
    Tool {
        package: "iproute2",
        program: "tc",
    },
];

/// A program, and Debian's package that brings it.
pub(crate) struct Tool {
    pub(crate) package: &'static str,
    pub(crate) program: &'static str,
}

impl Tool {
    fn is_missing(&self) -> bool {
        find(self.program).is_none()
    }
}

/// What `cargo xtask setup` takes.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Say what is missing and how it would be got, and change nothing
    #[arg(long)]
    dry_run: bool,
}

/// Gets everything the README's commands need.
///
/// # Errors
/// At the first thing that can't be had.
pub(crate) fn command(arguments: &Arguments) -> Result<ExitCode> {
    if arguments.dry_run {
        return dry_run();
    }
    ensure_rust_src()?;
    ensure_bpf_linker()?;
    ensure_cargo_fuzz()?;
    ensure_test_tools()?;
    ensure_debian(&VM_TOOLS)?;
    busybox()?;
    ensure_vm_kernel(kernel_named(DEFAULT_KERNEL)?)?;
    note("everything is there");
    Ok(ExitCode::SUCCESS)
}

/// Gets everything that tests run beside what is built here.
///
/// # Errors
/// At the first thing that can't be had.
pub(crate) fn ensure_test_tools() -> Result<()> {
    ensure_debian(&TEST_TOOLS)?;
    ensure_servers()?;
    ensure_python()?;
    ensure_node()?;
    Ok(())
}

fn dry_run() -> Result<ExitCode> {
    let mut plan = Vec::new();
    plan.extend(rust_src::plan()?);
    plan.extend(bpf_linker::plan());
    plan.extend(cargo_fuzz::plan());
    plan.extend(debian::plan(TEST_TOOLS.iter().chain(&VM_TOOLS)));
    plan.extend(servers::plan());
    plan.extend(python::plan());
    plan.extend(node::plan());
    plan.extend(debian::plan_busybox());
    plan.extend(vm_kernel::plan(kernel_named(DEFAULT_KERNEL)?));
    for step in &plan {
        note(&format!("would {step}"));
    }
    if plan.is_empty() {
        note("everything is there");
    }
    Ok(ExitCode::SUCCESS)
}
