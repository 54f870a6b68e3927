//! Has the kernel finish the checksums of what an interface sends, instead of leaving that to a
//! card.

use anyhow::{Context, Result, ensure};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};
use std::{io, os::fd::AsRawFd};

use crate::Netns;

/// `ETHTOOL_STXCSUM` of linux/ethtool.h.
const SET_TX_CHECKSUMS: u32 = 0x17;
/// `SIOCETHTOOL` of linux/sockios.h.
const SIOCETHTOOL: libc::c_ulong = 0x8946;

/// `struct ethtool_value`.
#[repr(C)]
struct Command {
    command: u32,
    value: u32,
}

/// Switches the offload of checksums off.
///
/// # Errors
/// The kernel's.
pub fn finish_checksums(netns: &Netns, interface: &str) -> Result<()> {
    netns.within(|| {
        let socket = socket(
            AddressFamily::Inet,
            SockType::Datagram,
            SockFlag::SOCK_CLOEXEC,
            None,
        )
        .context("making a socket")?;
        let mut command = Command {
            command: SET_TX_CHECKSUMS,
            value: 0,
        };
        // SAFETY: all zero is a valid ifreq: a name and a union of numbers and pointers.
        let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
        for (to, from) in request.ifr_name.iter_mut().zip(interface.bytes()) {
            *to = from as libc::c_char;
        }
        request.ifr_ifru.ifru_data = (&raw mut command).cast();
        // SAFETY: the socket is open; the request names an interface and points at a command,
        // both alive.
        let code = unsafe { libc::ioctl(socket.as_raw_fd(), SIOCETHTOOL, &raw mut request) };
        ensure!(code == 0, "{interface}: {}", io::Error::last_os_error());
        Ok(())
    })
}
