//! Whether the kernel takes the programs: by loading each of them, as for use.

use anyhow::Result;
use probe_common::names::{self, program};

use super::{Check, first_line};
use crate::kernel::object::{self, Half};

/// Programs that some faults need, and the rest doesn't.
const NEEDED_BY_SOME: [&str; 4] = [
    program::CONNECT4_INJECT,
    program::CONNECT6_INJECT,
    program::SOCK_CREATE,
    program::SOCK_RELEASE,
];

pub(super) fn check() -> Check {
    const NAME: &str = "programs";
    let all = names::PROGRAMS.len();
    match load_all() {
        Ok(refused) if refused.is_empty() => Check::ok(NAME, format!("all {all} load")),
        Ok(refused) => Check::warn(
            NAME,
            format!(
                "{} of {all} load; {}",
                all - refused.len(),
                refused.join("; ")
            ),
            "there is no refuse, no limit-connections and no --process to inject here; they need \
             kernel 6.1 or so",
        ),
        Err(error) => Check::fail(
            NAME,
            first_line(&error),
            "see the other checks; `probe doctor -vv` shows what the kernel says",
        ),
    }
}

/// Loads every program of the object and lets go of it; tells why some weren't taken that not
/// everything needs.
fn load_all() -> Result<Vec<String>> {
    let mut ebpf = object::load(Half::Observer)?;
    let mut refused = Vec::new();
    for name in names::PROGRAMS {
        match object::load_program(&mut ebpf, name) {
            Err(error) if NEEDED_BY_SOME.contains(name) => refused.push(first_line(&error)),
            loaded => loaded?,
        }
    }
    Ok(refused)
}
