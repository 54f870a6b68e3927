//! A connection ended, or the attempt at one did.

use super::{EventHeader, REQUEST_PREFIX, reader::Reader};
use crate::{address::Address, connection::End};

/// [`CloseEvent::ending`] values.
pub mod ending {
    /// The near side said it was done (FIN sent).
    pub const FIN_SENT: u8 = 1;
    /// The far side said it was done (FIN received).
    pub const FIN_RECEIVED: u8 = 2;
    /// The near side reset the connection.
    pub const RESET_SENT: u8 = 3;
    /// The far side reset the connection.
    pub const RESET_RECEIVED: u8 = 4;
    /// An attempt was answered with a reset: nobody listens there.
    pub const REFUSED: u8 = 5;
    /// An attempt ended without any answer: given up by the caller or timed out.
    pub const NO_CONNECTION: u8 = 6;
    /// The socket went without a packet to tell of it.
    pub const GONE: u8 = 7;
}

/// Length of the ends of a connection that didn't come to be: two addresses, two ports in host
/// order.
pub const ATTEMPTED: usize = 36;

/// From cgroup_skb and sock_ops; the first sign that a connection ends, and only that.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CloseEvent {
    /// Common to all.
    pub header: EventHeader,
    /// How long a request, or the attempt to connect, had waited for its answer; 0 where none
    /// was waiting.
    pub waited_ns: u64,
    /// Payload bytes sent.
    pub bytes_out: u64,
    /// Payload bytes received.
    pub bytes_in: u64,
    /// How many requests the connection carried.
    pub requests: u32,
    /// One of [`ending`].
    pub ending: u8,
    /// One of [`crate::flow::role`].
    pub role: u8,
    /// One of [`crate::flow::framing`].
    pub framing: u8,
    /// How many bytes of `request` count; 0 where no request was waiting.
    pub request_length: u8,
    /// The first bytes of the request that was waiting; where no connection came to be, its ends,
    /// see [`CloseEvent::attempted`].
    pub request: [u8; REQUEST_PREFIX],
}

const _: () = assert!(size_of::<CloseEvent>() == 152);

impl CloseEvent {
    pub(super) fn decode(header: EventHeader, mut r: Reader<'_>) -> Option<Self> {
        Some(Self {
            header,
            waited_ns: r.u64()?,
            bytes_out: r.u64()?,
            bytes_in: r.u64()?,
            requests: r.u32()?,
            ending: r.u8()?,
            role: r.u8()?,
            framing: r.u8()?,
            request_length: r.u8()?,
            request: r.array()?,
        })
    }

    /// The ends of a connection that didn't come to be, the near one first; `None` where it was
    /// given up before it had any.
    pub fn attempted(&self) -> Option<[End; 2]> {
        if !matches!(self.ending, ending::REFUSED | ending::NO_CONNECTION)
            || usize::from(self.request_length) != ATTEMPTED
        {
            return None;
        }
        let mut r = Reader::new(self.request());
        let (near, far) = (r.array()?, r.array()?);
        let (near_port, far_port) = (r.u16()?, r.u16()?);
        let end = |octets, port| End {
            address: Address { octets },
            port,
        };
        Some([end(near, near_port), end(far, far_port)])
    }

    /// The bytes of the request that count.
    pub fn request(&self) -> &[u8] {
        &self.request[..usize::from(self.request_length).min(REQUEST_PREFIX)]
    }
}
