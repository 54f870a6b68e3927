//! The kernel programs' object, embedded, and how it is loaded.

use anyhow::{Context, Result, anyhow, bail};
use aya::{
    Ebpf, EbpfLoader, include_bytes_aligned,
    maps::Map,
    programs::{Program, ProgramError},
};
use probe_common::names::{global, map};

use super::{delay_line::kernel_has_departure_times, observer};

/// Built from probe-ebpf by `cargo xtask ebpf`; `cargo xtask ebpf --check` proves it.
static OBJECT: &[u8] =
    include_bytes_aligned!(concat!(env!("CARGO_MANIFEST_DIR"), "/bpf/probe.bpf.o"));

/// Maps that only the injector uses, large ones.
const INJECTOR_ONLY: &[&str] = &[
    map::TARGETS,
    map::FILTER,
    map::RULES,
    map::RULE_COUNTERS,
    map::RULE_STATES,
    map::FAULT_FLOWS,
    map::LINE_SLOTS,
    map::WAYS,
    map::LANE_SLOTS,
    map::NEAR_PIDS,
    map::NEAR_SOCKETS,
    map::NEAR_CONNECTIONS,
    map::NEAR_PORTS,
    map::BEGUN,
    map::COUNTED,
    map::PROTECTED_PORTS,
    map::PROTECTED_ENDS,
];

/// Maps that only the observer uses, large ones.
const OBSERVER_ONLY: &[&str] = &[
    map::TRAYS,
    map::FLOWS,
    map::PEERS,
    map::FREE_PEERS,
    map::PEER_SLOTS,
    map::PEER_COUNTERS,
    map::LATENCY,
    map::GAUGES,
    map::STREAMS,
    map::GAPS,
    map::ASKED,
    map::ASKERS,
];

/// Which half of the object is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Half {
    /// The TC programs.
    Injector,
    /// The cgroup programs.
    Observer,
}

/// Loads the object's maps, those of the other half as small as the kernel allows; programs are
/// loaded one by one, by who attaches them.
///
/// # Errors
/// Where the kernel refuses: no privilege, no BTF, no memory.
pub fn load(half: Half) -> Result<Ebpf> {
    load_without(half, &[])
}

/// The same, and more maps as small as the kernel allows.
///
/// # Errors
/// As for [`load`].
pub fn load_without(half: Half, not_needed: &[&str]) -> Result<Ebpf> {
    let mut loader = EbpfLoader::new();
    let unused: &[&str] = match half {
        Half::Injector => OBSERVER_ONLY,
        Half::Observer => INJECTOR_ONLY,
    };
    for name in unused.iter().chain(not_needed) {
        // An LRU map needs an entry a CPU; no host has more than this.
        loader.map_max_entries(name, 1_024.min(if *name == map::FLOWS { 1_024 } else { 1 }));
    }
    let (trays, places) = observer::tray_layout();
    match half {
        Half::Injector => loader.map_max_entries(map::EVENTS, 4_096),
        Half::Observer => loader.map_max_entries(map::TRAYS, trays * places),
    };
    loader.override_global(global::TRAY_COUNT, &trays, true);
    loader.override_global(global::PLACES, &places, true);
    let level = ::log::max_level().to_level().map_or(0, |level| level as u8);
    loader.override_global(aya_log::LEVEL, &level, false);
    let has_lane = u32::from(kernel_has_departure_times());
    loader.override_global(global::LANE, &has_lane, true);
    loader
        .load(OBJECT)
        .context("loading the kernel programs' maps")
}

/// A program of the object.
///
/// # Errors
/// Where there is none of that name.
pub fn named<'a>(ebpf: &'a mut Ebpf, name: &str) -> Result<&'a mut Program> {
    ebpf.program_mut(name)
        .with_context(|| format!("{name} is not in the object"))
}

/// Takes a map of the object over.
///
/// # Errors
/// Where there is none of that name.
pub fn take_map(ebpf: &mut Ebpf, name: &str) -> Result<Map> {
    ebpf.take_map(name)
        .with_context(|| format!("{name} is not in the object"))
}

/// Has the verifier check a program, so that it can be attached.
///
/// # Errors
/// Where there is none of that name, or the verifier refuses it.
pub fn load_program(ebpf: &mut Ebpf, name: &str) -> Result<()> {
    let loaded = match named(ebpf, name)? {
        Program::SchedClassifier(program) => program.load(),
        Program::CgroupSkb(program) => program.load(),
        Program::SockOps(program) => program.load(),
        Program::CgroupSockAddr(program) => program.load(),
        Program::CgroupSock(program) => program.load(),
        _ => bail!("{name} is of a kind that is not used here"),
    };
    loaded
        .map_err(refusal)
        .with_context(|| format!("loading {name}"))
}

/// Why the kernel took no program, in one line: of the verifier's many, the one it ends on.
fn refusal(error: ProgramError) -> anyhow::Error {
    let ProgramError::LoadError {
        io_error,
        verifier_log,
    } = error
    else {
        return error.into();
    };
    let log = verifier_log.to_string();
    ::log::debug!("the kernel's verifier says:\n{log}");
    let complaint = log
        .lines()
        .rfind(|line| !line.is_empty() && !is_statistic(line));
    match complaint {
        Some(complaint) => anyhow!("{io_error}: the kernel's verifier says: {complaint}"),
        None => io_error.into(),
    }
}

/// Whether a line of the verifier's tells how much work it had, rather than what is wrong.
fn is_statistic(line: &str) -> bool {
    const BEGINNINGS: [&str; 3] = ["processed ", "stack depth ", "verification time "];
    BEGINNINGS
        .iter()
        .any(|beginning| line.starts_with(beginning))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_object_holds_every_map_and_program_that_is_named() {
        let object = aya_obj_names();
        for name in probe_common::names::MAPS
            .iter()
            .chain(probe_common::names::PROGRAMS)
        {
            assert!(
                object.contains(&name.to_string()),
                "{name} is not in the object"
            );
        }
    }

    /// The symbol names in the object's string tables.
    fn aya_obj_names() -> Vec<String> {
        OBJECT
            .split(|&byte| byte == 0)
            .filter_map(|name| std::str::from_utf8(name).ok())
            .map(str::to_owned)
            .collect()
    }
}
