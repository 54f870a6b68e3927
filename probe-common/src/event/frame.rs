//! A frame of HTTP/2 passed that says something of a stream, or a piece of one.

use super::{EventHeader, reader::Reader};

/// Bytes of a frame that the smaller of the two events carries.
pub const SMALL_FRAGMENT: usize = 64;
/// Most bytes of a frame that one event carries; what is longer comes in several.
pub const LARGE_FRAGMENT: usize = 512;

/// [`FrameHead::kind`] values: frame types (RFC 9113, section 6), and one that isn't.
pub mod frame_kind {
    /// A stream's headers.
    pub const HEADERS: u8 = 1;
    /// A stream is over at once.
    pub const RST_STREAM: u8 = 3;
    /// A request that the server made itself.
    pub const PUSH_PROMISE: u8 = 5;
    /// The connection is to end.
    pub const GOAWAY: u8 = 7;
    /// More of a stream's headers.
    pub const CONTINUATION: u8 = 9;
    /// Not a frame: what comes now overtook some that are still to come, in the gap of this number.
    pub const OVERTAKES: u8 = 254;
    /// Not a frame: from here on some weren't seen in this direction.
    pub const LOST: u8 = 255;
}

/// From cgroup_skb; a piece of the frame follows it.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FrameHead {
    /// Common to all.
    pub header: EventHeader,
    /// Stream that the frame belongs to; 0 for the connection.
    pub stream: u32,
    /// Length of the frame without its header.
    pub frame_length: u32,
    /// Where in the frame the piece begins.
    pub offset: u32,
    /// The socket's smoothed round-trip time, microseconds; 0 where it isn't known.
    pub rtt_us: u32,
    /// Length of the piece.
    pub fragment_length: u16,
    /// One of [`frame_kind`].
    pub kind: u8,
    /// The frame's flags.
    pub flags: u8,
    /// One of [`crate::flow::role`].
    pub role: u8,
    /// One where the near side sent it.
    pub outgoing: u8,
    /// One where it was overtaken by what was told before it.
    pub late: u8,
    /// Always zero.
    pub pad: u8,
    /// Where it was overtaken, or overtakes: which gap it is about.
    pub gap: u32,
    /// Always zero.
    pub pad_behind: u32,
}

const _: () = assert!(size_of::<FrameHead>() == 56);

/// As it lies in the ring, with room for a piece of up to `N` bytes.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct FrameEntry<const N: usize> {
    /// What is told of the frame.
    pub head: FrameHead,
    /// The piece.
    pub fragment: [u8; N],
}

const _: () = assert!(size_of::<FrameEntry<SMALL_FRAGMENT>>() == 120);
const _: () = assert!(size_of::<FrameEntry<LARGE_FRAGMENT>>() == 568);

/// A piece of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameEvent<'a> {
    /// What is told of the frame.
    pub head: FrameHead,
    /// The piece.
    pub fragment: &'a [u8],
}

impl<'a> FrameEvent<'a> {
    pub(super) fn decode(header: EventHeader, mut r: Reader<'a>) -> Option<Self> {
        let head = FrameHead {
            header,
            stream: r.u32()?,
            frame_length: r.u32()?,
            offset: r.u32()?,
            rtt_us: r.u32()?,
            fragment_length: r.u16()?,
            kind: r.u8()?,
            flags: r.u8()?,
            role: r.u8()?,
            outgoing: r.u8()?,
            late: r.u8()?,
            pad: r.u8()?,
            gap: r.u32()?,
            pad_behind: r.u32()?,
        };
        let room = usize::from(header.length).checked_sub(size_of::<FrameHead>())?;
        let fragment = r.bytes(room)?;
        let length = usize::from(head.fragment_length).min(room);
        Some(Self {
            head,
            fragment: &fragment[..length],
        })
    }
}
