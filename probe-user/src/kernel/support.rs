//! Whether this host can do it: one check after the other, each with what was found and what to
//! do about it. Nothing is changed: what is loaded to see that it loads is unloaded again.

use anyhow::{Result, bail};
use serde::Serialize;

mod host;
mod programs;

use super::{
    delay_line::{Backend, Choice},
    host as faults, leftovers, login, process,
};
use crate::protection::NeverFaulted;

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// As it should be.
    Ok,
    /// It works, with something less.
    Warn,
    /// It can't work.
    Fail,
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was looked at.
    pub name: &'static str,
    /// How it ended.
    pub status: Status,
    /// What was found, in one line.
    pub detail: String,
    /// What to do about it; empty where nothing has to be done.
    pub hint: String,
}

impl Check {
    fn ok(name: &'static str, detail: impl Into<String>) -> Self {
        Self::new(name, Status::Ok, detail, "")
    }

    fn warn(name: &'static str, detail: impl Into<String>, hint: &str) -> Self {
        Self::new(name, Status::Warn, detail, hint)
    }

    fn fail(name: &'static str, detail: impl Into<String>, hint: &str) -> Self {
        Self::new(name, Status::Fail, detail, hint)
    }

    fn new(name: &'static str, status: Status, detail: impl Into<String>, hint: &str) -> Self {
        Self {
            name,
            status,
            detail: detail.into(),
            hint: hint.to_owned(),
        }
    }
}

/// Capabilities that the kernel asks of who loads and attaches programs, by number.
const CAPABILITIES: [(&str, u32); 4] = [
    ("CAP_NET_ADMIN", 12),
    ("CAP_SYS_ADMIN", 21),
    ("CAP_PERFMON", 38),
    ("CAP_BPF", 39),
];

/// Runs every check.
pub fn check_all() -> Vec<Check> {
    vec![
        check_privileges(),
        host::check_kernel(),
        host::check_btf(),
        host::check_jit(),
        host::check_cgroup2(),
        host::check_attachment(),
        host::check_tun(),
        host::check_delay_backend(),
        host::check_real_time(),
        programs::check(),
        check_leftovers(),
        check_faults(),
        check_never_faulted(),
    ]
}

/// Where delayed packets wait on this host, unless it is said otherwise.
pub fn delay_backend() -> &'static str {
    let settled = Choice::of_environment().and_then(Choice::settle);
    settled.map_or(Backend::Userspace.name(), Backend::name)
}

/// Refuses an operation that the kernel would refuse half-way.
///
/// # Errors
/// Naming the capabilities that are missing.
pub fn require_privileges(operation: &str) -> Result<()> {
    match missing_capabilities().as_slice() {
        [] => Ok(()),
        missing => bail!(
            "{operation}: it takes root, and this process lacks {}\nhint: run it with sudo; `probe \
             doctor` tells what else is missing",
            missing.join(", ")
        ),
    }
}

fn missing_capabilities() -> Vec<&'static str> {
    let effective = process::status_field("CapEff:")
        .and_then(|hex| u64::from_str_radix(&hex, 16).ok())
        .unwrap_or(0);
    CAPABILITIES
        .iter()
        .filter(|(_, number)| effective >> number & 1 == 0)
        .map(|(name, _)| *name)
        .collect()
}

fn check_privileges() -> Check {
    let missing = missing_capabilities();
    if missing.is_empty() {
        let all: Vec<_> = CAPABILITIES.iter().map(|(name, _)| *name).collect();
        return Check::ok("privileges", all.join(", "));
    }
    Check::fail(
        "privileges",
        format!("this process lacks {}", missing.join(", ")),
        "run it as root, with sudo",
    )
}

fn check_leftovers() -> Check {
    match leftovers::count() {
        0 => Check::ok("leftovers", "none"),
        count => Check::warn(
            "leftovers",
            format!("{count} dead probe(s) left settings behind"),
            "they are undone by `probe stop`, and whenever a fault is injected",
        ),
    }
}

/// What no fault touches, unless somebody takes it off the list.
pub fn never_faulted() -> NeverFaulted {
    NeverFaulted::of(login::find())
}

fn check_never_faulted() -> Check {
    Check::ok("never faulted", never_faulted().lines().join("; "))
}

fn check_faults() -> Check {
    match faults::armed() {
        Err(error) => Check::warn(
            "faults",
            format!("can't tell: {}", first_line(&error)),
            "run it as root, with sudo",
        ),
        Ok(armed) if armed.is_empty() => Check::ok("faults", "none active"),
        Ok(armed) => Check::warn(
            "faults",
            format!("{} process(es) have faults active", armed.len()),
            "`probe status` shows them, `probe stop` ends them",
        ),
    }
}

/// An error's whole chain on one line, without what follows its first line.
fn first_line(error: &anyhow::Error) -> String {
    let text = format!("{error:#}");
    text.lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_in_json_is_what_the_contract_says() {
        let check = Check::fail("btf", "no file", "use another kernel");
        assert_eq!(
            serde_json::to_string(&check).unwrap(),
            r#"{"name":"btf","status":"fail","detail":"no file","hint":"use another kernel"}"#
        );
    }

    #[test]
    fn every_check_has_a_name_of_its_own_and_failures_a_hint() {
        let checks = check_all();
        let names: std::collections::BTreeSet<_> = checks.iter().map(|check| check.name).collect();
        assert_eq!(names.len(), checks.len());
        for check in checks {
            assert!(
                check.status == Status::Ok || !check.hint.is_empty(),
                "{check:?}"
            );
        }
    }
}
