//! Whether the kernel takes the programs: by loading each of them, as for use.

use anyhow::{Context, Result, bail};
use aya::programs::Program;
use probe_common::names;

use super::{Check, first_line};
use crate::kernel::object::{self, Half};

pub(super) fn check() -> Check {
    const NAME: &str = "programs";
    match load_all() {
        Ok(count) => Check::ok(NAME, format!("all {count} load")),
        Err(error) => Check::fail(
            NAME,
            first_line(&error),
            "see the other checks; `probe doctor -vv` shows what the kernel says",
        ),
    }
}

/// Loads every program of the object and lets go of it; tells how many there are.
fn load_all() -> Result<usize> {
    let mut ebpf = object::load(Half::Observer)?;
    for name in names::PROGRAMS {
        let program = ebpf
            .program_mut(name)
            .with_context(|| format!("{name} is not in the object"))?;
        let loaded = match program {
            Program::SchedClassifier(program) => program.load(),
            Program::CgroupSkb(program) => program.load(),
            Program::SockOps(program) => program.load(),
            Program::CgroupSockAddr(program) => program.load(),
            Program::CgroupSock(program) => program.load(),
            _ => bail!("{name} is of a kind that is not used here"),
        };
        loaded
            .map_err(object::refusal)
            .with_context(|| format!("loading {name}"))?;
    }
    Ok(names::PROGRAMS.len())
}
