//! What a person wants to observe, in terms that the model knows.

use anyhow::Result;

use crate::{
    endpoint::EndpointSpec,
    kernel::{
        cgroups,
        netns::{Netns, NetnsRef},
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
    /// Path of the callers' cgroup, below the unified hierarchy or whole, or a container's id.
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
    let cgroup = wanted.cgroup.map(cgroups::find).transpose()?;
    Ok(Scope {
        netns_cookie: wanted.netns.map(|_| netns.cookie()).transpose()?,
        endpoints,
        cgroup_id: cgroup.as_ref().map(|it| it.id),
        process: wanted.process.map(str::to_owned),
        listen: None,
        cgroup: cgroup.map(|it| it.path),
    })
}
