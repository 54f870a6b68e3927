//! The hosts file that applications of a network namespace read, as far as that is known: the one
//! of this mount namespace, or that which `ip netns exec` would put in its place.

use std::{collections::HashMap, net::IpAddr, path::PathBuf};

use crate::{kernel::netns::NetnsRef, model::hosts};

/// Larger than anybody's.
const MOST_BYTES: u64 = 16 << 20;

/// Which address has which name.
pub fn of(netns: Option<&NetnsRef>) -> HashMap<IpAddr, String> {
    let own = match netns {
        Some(NetnsRef::Name(name)) => Some(PathBuf::from(format!("/etc/netns/{name}/hosts"))),
        _ => None,
    };
    let text = own.and_then(read).or_else(|| read("/etc/hosts".into()));
    hosts::parse(&text.unwrap_or_default())
}

fn read(path: PathBuf) -> Option<String> {
    let length = std::fs::metadata(&path).ok()?.len();
    if length > MOST_BYTES {
        log::warn!("{}: {length} bytes are too many to read", path.display());
        return None;
    }
    let bytes = std::fs::read(&path).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}
