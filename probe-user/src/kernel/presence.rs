//! Whether interfaces are still there: asked several times a second for as long as a fault holds,
//! so by one system call each, without a thread that enters their namespace.

use std::{
    io,
    os::fd::{AsRawFd, OwnedFd},
};

use anyhow::{Context, Result};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};

use super::netns::Netns;

/// A socket in a network namespace, bound to nothing: what it is asked is answered for that one,
/// whoever asks.
#[derive(Debug)]
pub struct Presence {
    socket: OwnedFd,
}

impl Presence {
    /// Ready to be asked about a namespace's interfaces.
    ///
    /// # Errors
    /// Where it can't be entered, or there is no descriptor left.
    pub fn of(netns: &Netns) -> Result<Self> {
        let socket = netns.within(|| {
            let (family, kind) = (AddressFamily::Inet, SockType::Datagram);
            socket(family, kind, SockFlag::SOCK_CLOEXEC, None)
                .context("interfaces: opening a socket to ask about them by")
        })?;
        Ok(Self { socket })
    }

    /// Whether the interface of an index is there, and still has the name.
    ///
    /// # Errors
    /// Where the kernel doesn't answer.
    pub fn has(&self, index: u32, name: &str) -> Result<bool> {
        // SAFETY: any bit pattern is one, all zeros too.
        let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
        request.ifr_ifru.ifru_ifindex = index as i32;
        // SAFETY: the request of this number reads and writes an `ifreq`, which outlives the call.
        let code =
            unsafe { libc::ioctl(self.socket.as_raw_fd(), libc::SIOCGIFNAME, &raw mut request) };
        if code == 0 {
            let found = request.ifr_name.iter().map(|&byte| byte.to_ne_bytes()[0]);
            return Ok(found.take_while(|&byte| byte != 0).eq(name.bytes()));
        }
        let error = io::Error::last_os_error();
        match error.raw_os_error() {
            Some(libc::ENODEV) => Ok(false),
            _ => Err(error)
                .with_context(|| format!("interface \"{name}\": asking whether it is there")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::netns::NetnsRef;

    #[test]
    fn an_interface_is_known_by_index_and_name() {
        let own = Netns::open(&NetnsRef::Own).unwrap();
        let presence = Presence::of(&own).unwrap();
        let index = nix::net::if_::if_nametoindex("lo").unwrap();
        assert!(presence.has(index, "lo").unwrap());
        assert!(!presence.has(index, "l").unwrap());
        assert!(!presence.has(index, "lo0").unwrap());
        assert!(!presence.has(999_999, "lo").unwrap());
    }
}
