//! The list of what no fault touches, for one network namespace: found, then changed as wished.

use anyhow::Result;

use crate::{
    kernel::{login, netns::Netns, process, resolve},
    plan::{Endpoint, Protocol},
    protection::{NeverFaulted, Thing, Wishes},
};

/// Makes the list. What the user adds is added first, so that what is taken off stays off.
///
/// # Errors
/// Where a name has no address, or what is to be taken off isn't on it.
pub fn never_faulted(netns: &Netns, wishes: &Wishes) -> Result<NeverFaulted> {
    let mut list = NeverFaulted::of(login::find());
    list.add(resolve::resolve_names(netns, &wishes.protect)?.endpoints);
    for thing in &wishes.unprotect {
        let endpoints = match thing {
            Thing::Endpoint(spec) => {
                resolve::resolve_names(netns, std::slice::from_ref(spec))?.endpoints
            }
            _ => Vec::new(),
        };
        list.take_off(thing, &endpoints)?;
    }
    Ok(list)
}

/// What becomes of the session that probe was started in, where a fault in its network namespace
/// is aimed at its connection as well.
pub fn session_at_stake(
    netns: &Netns,
    endpoints: &[Endpoint],
    protocol: Protocol,
    list: &NeverFaulted,
) -> Option<String> {
    let is_here = process::netns_inode(std::process::id()) == Some(netns.inode);
    if !is_here || protocol == Protocol::Udp {
        return None;
    }
    let connections = login::find().connections;
    let hit = connections.iter().find(|connection| {
        let far = connection.far;
        endpoints.iter().any(|it| it.covers(far.ip(), far.port()))
    })?;
    let is_kept =
        list.login.connections.contains(hit) || list.login.ports.contains(&hit.near.port());
    let what = format!("this session's own connection ({hit}) is matched");
    Some(match is_kept {
        true => format!("{what}; only the never-fault list keeps it"),
        false => format!(
            "{what}, and was taken off the never-fault list: you may be cut off until the fault ends"
        ),
    })
}
