//! What a person wants to observe, in terms that the model knows.

use std::{os::unix::fs::MetadataExt, path::Path};

use anyhow::{Context, Result};

use crate::{
    endpoint::EndpointSpec,
    kernel::{
        netns::{Netns, NetnsRef},
        observer::unified_hierarchy,
        resolve::resolve,
    },
    model::Scope,
};

/// What was asked for; nothing asked for is everything.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// Network namespace.
    pub netns: Option<&'a NetnsRef>,
    /// Far sides.
    pub to: &'a [EndpointSpec],
    /// Name or id of the calling process.
    pub process: Option<&'a str>,
    /// Path of the callers' cgroup, below the unified hierarchy or whole.
    pub cgroup: Option<&'a str>,
}

/// Looks up what was asked for.
///
/// # Errors
/// Where a namespace, name or cgroup isn't there.
pub fn observed_target(wanted: &Wanted<'_>) -> Result<Scope> {
    let netns = Netns::open(wanted.netns.unwrap_or(&NetnsRef::Own))?;
    let endpoints = if wanted.to.is_empty() {
        Vec::new()
    } else {
        resolve(&netns, wanted.to, &[])?.endpoints
    };
    Ok(Scope {
        netns_cookie: wanted.netns.map(|_| netns.cookie()).transpose()?,
        endpoints,
        cgroup_id: wanted.cgroup.map(cgroup_id).transpose()?,
        process: wanted.process.map(str::to_owned),
        listen: None,
        cgroup: None,
    })
}

/// The id of a cgroup is the inode of its folder.
fn cgroup_id(path: &str) -> Result<u64> {
    let root = unified_hierarchy()?;
    let below = root.join(path.trim_start_matches('/'));
    let folder = if Path::new(path).starts_with(&root) {
        Path::new(path)
    } else {
        &below
    };
    let metadata = std::fs::metadata(folder)
        .with_context(|| format!("cgroup \"{path}\": looking for it at {}", folder.display()))?;
    Ok(metadata.ino())
}
