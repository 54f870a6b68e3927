//! What a lab needs on the host before its roles can play, and how it is taken down again.

use std::process::ExitCode;

use anyhow::{Result, anyhow};
use nix::unistd::Uid;

use crate::lock::{self, Lock};
use crate::refusal::Refusal;
use crate::topology::{LabName, Role};
use crate::{namespace, network};

/// Makes the namespaces and connects them. Whoever calls this has a janitor at work already.
pub(crate) fn build(lab: &LabName) -> Result<()> {
    for role in Role::ALL {
        namespace::create(&lab.namespace_path(role))?;
    }
    network::connect(lab)
}

/// Removes the namespaces' names and the lock; the caller must hold the lock. Tries everything
/// before it reports the first thing that failed.
pub(crate) fn clear(lab: &LabName) -> Result<()> {
    let namespaces = Role::ALL.map(|role| namespace::remove(&lab.namespace_path(role)));
    namespaces.into_iter().collect::<Result<()>>()?;
    lock::remove(lab)
}

/// Takes the lab's lock and sees to it that nothing of its name is in the way: leftovers of a
/// dead lab are cleared, namespaces that somebody else made are a reason to refuse.
pub(crate) fn reserve(lab: &LabName) -> Result<Lock> {
    require_root()?;
    let lock = lock::take(lab)?;
    let present: Vec<_> = Role::ALL
        .into_iter()
        .filter(|role| lab.namespace_path(*role).symlink_metadata().is_ok())
        .map(|role| lab.namespace(role))
        .collect();
    if present.is_empty() {
        return Ok(lock);
    }
    let names = present.join(", ");
    if !lock.inherited {
        lock::remove(lab)?;
        return Err(Refusal::because(
            format!("namespaces that no lab made are in the way: {names}"),
            "choose another name with --name, or remove them with `ip netns delete`",
        ));
    }
    eprintln!("clearing what a dead lab left: {names}");
    for role in Role::ALL {
        namespace::remove(&lab.namespace_path(role))?;
    }
    Ok(lock)
}

/// `lab down`: removes what a dead lab left; a second time finds nothing to do.
pub(crate) fn down(lab: &LabName) -> Result<ExitCode> {
    require_root()?;
    if !lock::path(lab).exists() {
        eprintln!("nothing is left of a lab named {lab}");
        return Ok(ExitCode::SUCCESS);
    }
    let _lock = reserve(lab)?;
    clear(lab).map_err(|error| anyhow!("take down {lab}: {error:#}"))?;
    Ok(ExitCode::SUCCESS)
}

fn require_root() -> Result<()> {
    if Uid::effective().is_root() {
        return Ok(());
    }
    Err(Refusal::because(
        "making network namespaces needs root",
        "run it with sudo",
    ))
}
