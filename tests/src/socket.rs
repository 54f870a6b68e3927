//! Sockets as the kernel has them, where the standard library's do not reach: ICMP, the error
//! queue, buffers beyond the limit. Nothing here interprets what is sent.

use std::{
    io,
    net::{IpAddr, SocketAddr, UdpSocket},
    os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd},
    time::Duration,
};

use anyhow::{Context, Result};
use nix::{
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::socket::{SockaddrStorage, connect},
};

/// Room for everything that a test sends before anybody reads, in bytes.
const ROOM: libc::c_int = 256 << 20;

/// A connected socket that doesn't block.
#[derive(Debug)]
pub struct Socket(OwnedFd);

impl Socket {
    /// A raw ICMP socket of the calling thread's namespace, connected to `to`.
    ///
    /// # Errors
    /// Without the privilege, or without a route.
    pub fn icmp(to: IpAddr) -> Result<Self> {
        let (domain, protocol) = match to {
            IpAddr::V4(_) => (libc::AF_INET, libc::IPPROTO_ICMP),
            IpAddr::V6(_) => (libc::AF_INET6, libc::IPPROTO_ICMPV6),
        };
        let kind = libc::SOCK_RAW | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
        // SAFETY: a call without pointers.
        let fd = unsafe { libc::socket(domain, kind, protocol) };
        if fd < 0 {
            return Err(io::Error::last_os_error()).context("making an ICMP socket");
        }
        // SAFETY: the kernel has just made this descriptor, and nobody else knows of it.
        let socket = unsafe { OwnedFd::from_raw_fd(fd) };
        let address = SockaddrStorage::from(SocketAddr::new(to, 0));
        connect(socket.as_raw_fd(), &address).with_context(|| format!("connecting to {to}"))?;
        Ok(Self(socket))
    }

    /// Sends one packet.
    ///
    /// # Errors
    /// The kernel's.
    pub fn send(&self, packet: &[u8]) -> io::Result<usize> {
        // SAFETY: the socket is open, and the pointer and length are those of a slice.
        let sent =
            unsafe { libc::send(self.0.as_raw_fd(), packet.as_ptr().cast(), packet.len(), 0) };
        usize::try_from(sent).map_err(|_| io::Error::last_os_error())
    }

    /// Receives one packet; returns its length.
    ///
    /// # Errors
    /// The kernel's, also where none is there.
    pub fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        // SAFETY: the socket is open, and the pointer and length are those of a slice.
        let length = unsafe {
            libc::recv(
                self.0.as_raw_fd(),
                buffer.as_mut_ptr().cast(),
                buffer.len(),
                0,
            )
        };
        usize::try_from(length).map_err(|_| io::Error::last_os_error())
    }

    /// Waits until there is something to receive; whether there is. Short of a millisecond it
    /// doesn't sleep.
    ///
    /// # Errors
    /// The kernel's.
    pub fn wait(&self, patience: Duration) -> Result<bool> {
        let milliseconds = u16::try_from(patience.as_millis()).unwrap_or(u16::MAX);
        let mut files = [PollFd::new(self.0.as_fd(), PollFlags::POLLIN)];
        let ready = poll(&mut files, PollTimeout::from(milliseconds)).context("polling")?;
        Ok(ready > 0)
    }
}

/// Asks for the errors that a sender would otherwise not hear of.
///
/// # Errors
/// The kernel's.
pub fn hear_errors(socket: &UdpSocket) -> Result<()> {
    match socket.local_addr()? {
        SocketAddr::V4(_) => set(socket, libc::IPPROTO_IP, libc::IP_RECVERR, 1),
        SocketAddr::V6(_) => set(socket, libc::IPPROTO_IPV6, libc::IPV6_RECVERR, 1),
    }
}

/// Makes room for everything that could come.
///
/// # Errors
/// The kernel's.
pub fn make_room(socket: &UdpSocket) -> Result<()> {
    set(socket, libc::SOL_SOCKET, libc::SO_RCVBUFFORCE, ROOM)?;
    set(socket, libc::SOL_SOCKET, libc::SO_SNDBUFFORCE, ROOM)
}

/// Whether something is in the socket's error queue.
///
/// # Errors
/// The kernel's.
pub fn has_error(socket: &UdpSocket) -> Result<bool> {
    let mut data = [0u8; 512];
    let mut control = [0u64; 64];
    let mut part = libc::iovec {
        iov_base: data.as_mut_ptr().cast(),
        iov_len: data.len(),
    };
    // SAFETY: all zero is a valid msghdr: no name, no parts, no control data.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    message.msg_control = control.as_mut_ptr().cast();
    message.msg_controllen = size_of_val(&control);
    let flags = libc::MSG_ERRQUEUE | libc::MSG_DONTWAIT;
    // SAFETY: the socket is open; `message` points at buffers of the lengths it says, all alive.
    let length = unsafe { libc::recvmsg(socket.as_raw_fd(), &raw mut message, flags) };
    if length >= 0 {
        return Ok(true);
    }
    match io::Error::last_os_error() {
        error if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
        error => Err(error).context("reading the error queue"),
    }
}

fn set(socket: &UdpSocket, level: libc::c_int, name: libc::c_int, to: libc::c_int) -> Result<()> {
    // SAFETY: the socket is open; the pointer and length are those of an int.
    let code = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            level,
            name,
            (&raw const to).cast(),
            size_of::<libc::c_int>() as libc::socklen_t,
        )
    };
    match code {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()).with_context(|| format!("setting option {name}")),
    }
}

/// Asks for the time at which the kernel got each packet.
///
/// # Errors
/// The kernel's.
pub fn stamp_arrivals(socket: &UdpSocket) -> Result<()> {
    set(socket, libc::SOL_SOCKET, libc::SO_TIMESTAMPNS, 1)
}

/// Receives one packet and tells when the kernel got it, in nanoseconds on CLOCK_REALTIME.
///
/// # Errors
/// The kernel's; `InvalidData` where it gives no time.
pub fn receive_stamped(socket: libc::c_int, buffer: &mut [u8]) -> io::Result<u64> {
    let mut control = [0u64; 16];
    let mut part = libc::iovec {
        iov_base: buffer.as_mut_ptr().cast(),
        iov_len: buffer.len(),
    };
    // SAFETY: all zero is a valid msghdr: no name, no parts, no control data.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    message.msg_control = control.as_mut_ptr().cast();
    message.msg_controllen = size_of_val(&control);
    // SAFETY: `message` points at buffers of the lengths it says, all alive.
    if unsafe { libc::recvmsg(socket, &raw mut message, 0) } < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has filled in the control data that the message points at.
    let first = unsafe { libc::CMSG_FIRSTHDR(&raw const message).as_ref() };
    let stamp = first
        .filter(|it| it.cmsg_level == libc::SOL_SOCKET && it.cmsg_type == libc::SCM_TIMESTAMPNS);
    let stamp = stamp.ok_or(io::ErrorKind::InvalidData)?;
    // SAFETY: control data of this kind is a timespec, wherever it lies.
    let time = unsafe {
        libc::CMSG_DATA(stamp)
            .cast::<libc::timespec>()
            .read_unaligned()
    };
    Ok(time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64)
}
