//! The injector's programs at the root of the cgroup hierarchy: those that let connect() fail,
//! and those that take note of sockets. As links they go with the process. Which are attached
//! is what the plan needs, and without need none is.

use std::fs::File;

use anyhow::{Context, Result};
use aya::{
    Ebpf,
    programs::{CgroupAttachMode, CgroupSock, CgroupSockAddr},
};
use probe_common::names::program;

use super::{object, observer::unified_hierarchy};
use crate::plan::Plan;

/// Loads and attaches what a plan needs.
///
/// # Errors
/// Where there is no unified hierarchy, or the kernel refuses.
pub fn attach(ebpf: &mut Ebpf, plan: &Plan) -> Result<()> {
    let notes_sockets = plan.near.is_processes() && plan.aims();
    if !notes_sockets && !plan.has_attempts() {
        return Ok(());
    }
    let root = unified_hierarchy()?;
    let root =
        File::open(&root).with_context(|| format!("cgroup2: cannot open {}", root.display()))?;
    // Closed connections first, so that none counts for good.
    if plan.has_limits() {
        attach_sock(ebpf, program::SOCK_RELEASE, &root)?;
    }
    if notes_sockets {
        attach_sock(ebpf, program::SOCK_CREATE, &root)?;
    }
    for name in [program::CONNECT4_INJECT, program::CONNECT6_INJECT] {
        object::load_program(ebpf, name)?;
        let connect: &mut CgroupSockAddr = object::named(ebpf, name)?.try_into()?;
        connect
            .attach(&root, CgroupAttachMode::Single)
            .with_context(|| format!("attaching {name}"))?;
    }
    Ok(())
}

fn attach_sock(ebpf: &mut Ebpf, name: &str, root: &File) -> Result<()> {
    object::load_program(ebpf, name)?;
    let sock: &mut CgroupSock = object::named(ebpf, name)?.try_into()?;
    sock.attach(root, CgroupAttachMode::Single)
        .with_context(|| format!("attaching {name}"))?;
    Ok(())
}
