//! The TAP device: made, configured, read and written. It goes with its file descriptor.

use std::{
    fs::{File, OpenOptions},
    io,
    os::{
        fd::{AsFd, AsRawFd},
        unix::fs::OpenOptionsExt,
    },
};

use anyhow::{Context, Result};
use nix::sys::eventfd::{EfdFlags, EventFd};
use rtnetlink::LinkMessageBuilder;

use crate::kernel::interfaces;

nix::ioctl_write_ptr_bad!(tun_set_iff, 0x4004_54ca, libc::ifreq);
nix::ioctl_write_int_bad!(tun_set_offload, 0x4004_54d0);

/// The packet's checksum may be unfinished.
const TUN_F_CSUM: i32 = 0x01;
/// Frames may be larger than the wire allows, to be cut later: TCP over IPv4, IPv6, with ECN.
const TUN_F_TSO: i32 = 0x02 | 0x04 | 0x08;
/// The same for UDP; since Linux 6.2.
const TUN_F_USO: i32 = 0x20 | 0x40;

/// The largest MTU an Ethernet device may have; no packet is refused for its length anyway,
/// because redirected packets aren't held against it.
const MTU: u32 = 65_521;

/// A TAP device of the delay line.
#[derive(Debug)]
pub struct Device {
    file: File,
    waker: EventFd,
    /// Index in its namespace.
    pub ifindex: u32,
    /// Name in its namespace.
    pub name: String,
}

impl Device {
    /// Makes a device in the calling thread's network namespace and sets it up, with room for so
    /// many frames that wait to be read.
    ///
    /// # Errors
    /// Where /dev/net/tun is missing or refuses.
    pub fn make(queue_length: u32) -> Result<Self> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(libc::O_NONBLOCK | libc::O_CLOEXEC)
            .open("/dev/net/tun")
            .context(
                "delay line: cannot open /dev/net/tun\nhint: load the module with `modprobe tun`",
            )?;
        let name = attach(&file)?;
        // The kernel would otherwise send its own IPv6 chatter through the line. Without IPv6
        // there is no such file, and nothing to switch off.
        let _ = std::fs::write(format!("/proc/sys/net/ipv6/conf/{name}/disable_ipv6"), "1");
        let ifindex = interfaces::named(&name)?.index;
        set_up(ifindex, queue_length).with_context(|| format!("delay line: setting up {name}"))?;
        let waker = EventFd::from_flags(EfdFlags::EFD_NONBLOCK | EfdFlags::EFD_CLOEXEC)
            .context("delay line: making an eventfd")?;
        Ok(Self {
            file,
            waker,
            ifindex,
            name,
        })
    }

    /// Reads one frame, virtio header first, into two buffers in turn; `None` where none waits.
    pub(super) fn read(&self, head: &mut [u8], rest: &mut [u8]) -> io::Result<Option<usize>> {
        let parts = [
            libc::iovec {
                iov_base: head.as_mut_ptr().cast(),
                iov_len: head.len(),
            },
            libc::iovec {
                iov_base: rest.as_mut_ptr().cast(),
                iov_len: rest.len(),
            },
        ];
        // SAFETY: both buffers are valid for writes of their lengths during the call.
        let count = unsafe { libc::readv(self.file.as_raw_fd(), parts.as_ptr(), 2) };
        if count >= 0 {
            return Ok(Some(count as usize));
        }
        let error = io::Error::last_os_error();
        if error.kind() == io::ErrorKind::WouldBlock {
            Ok(None)
        } else {
            Err(error)
        }
    }

    /// Writes one frame, virtio header first, from two buffers in turn.
    pub(super) fn write(&self, head: &[u8], rest: &[u8]) -> io::Result<()> {
        let parts = [
            libc::iovec {
                iov_base: head.as_ptr().cast_mut().cast(),
                iov_len: head.len(),
            },
            libc::iovec {
                iov_base: rest.as_ptr().cast_mut().cast(),
                iov_len: rest.len(),
            },
        ];
        let count = if rest.is_empty() { 1 } else { 2 };
        // SAFETY: both buffers are valid for reads of their lengths during the call, and writev
        // doesn't write to them.
        let written = unsafe { libc::writev(self.file.as_raw_fd(), parts.as_ptr(), count) };
        if written >= 0 {
            Ok(())
        } else {
            Err(io::Error::last_os_error())
        }
    }

    /// Waits until a frame can be read, somebody wakes, or the time is over.
    pub(super) fn wait(&self, at_most: std::time::Duration) {
        use nix::poll::{PollFd, PollFlags, ppoll};
        let mut fds = [
            PollFd::new(self.file.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.waker.as_fd(), PollFlags::POLLIN),
        ];
        let _ = ppoll(&mut fds, Some(at_most.into()), None);
        let _ = self.waker.read();
    }

    /// Ends a wait.
    pub(super) fn wake(&self) {
        let _ = self.waker.write(1);
    }
}

/// Turns the file into a TAP device and gives the name that the kernel chose.
fn attach(file: &File) -> Result<String> {
    // SAFETY: all zeroes is a valid ifreq.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(b"probe%d") {
        *to = *from as libc::c_char;
    }
    request.ifr_ifru.ifru_flags =
        (libc::IFF_TAP | libc::IFF_NO_PI | libc::IFF_VNET_HDR) as libc::c_short;
    // SAFETY: the request is valid for the call, which writes the name back into it.
    unsafe { tun_set_iff(file.as_raw_fd(), &request) }.context(
        "delay line: making a TAP device\nhint: it takes CAP_NET_ADMIN in the network namespace",
    )?;
    // SAFETY: ioctls with a plain number. Older kernels refuse the flags they don't know.
    unsafe {
        tun_set_offload(file.as_raw_fd(), TUN_F_CSUM | TUN_F_TSO | TUN_F_USO)
            .or_else(|_| tun_set_offload(file.as_raw_fd(), TUN_F_CSUM | TUN_F_TSO))
            .context("delay line: asking for large frames")?;
    }
    let name = request
        .ifr_name
        .iter()
        .take_while(|&&c| c != 0)
        .map(|&c| c as u8 as char);
    Ok(name.collect())
}

fn set_up(ifindex: u32, queue_length: u32) -> Result<()> {
    interfaces::with_netlink(|handle| async move {
        let link = LinkMessageBuilder::<rtnetlink::LinkUnspec>::new()
            .index(ifindex)
            .mtu(MTU)
            .txqueuelen(queue_length)
            .up()
            .build();
        Ok(handle.link().set(link).execute().await?)
    })
}
