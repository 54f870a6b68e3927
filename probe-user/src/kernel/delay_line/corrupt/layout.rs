//! Where things lie in a frame of the line, as far as corruption needs to know.

use std::ops::Range;

use probe_common::address::protocol;

use crate::kernel::delay_line::frame::VIRTIO_LENGTH;

/// Offsets into a frame, its virtio header included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) v6: bool,
    pub(super) protocol: u8,
    pub(super) network: usize,
    pub(super) transport: usize,
    pub(super) payload: usize,
    /// Where the packet ends; what follows is the frame's padding.
    pub(super) end: usize,
}

impl Layout {
    /// Reads a frame; `None` where it isn't IP, is a later fragment, or is cut short.
    pub(super) fn of(frame: &[u8]) -> Option<Self> {
        let mut at = VIRTIO_LENGTH + 12;
        // The line's own tag, and those that the packet had already.
        while matches!(get16(frame, at)?, 0x8100 | 0x88a8) {
            at += 4;
        }
        let network = at + 2;
        match get16(frame, at)? {
            0x0800 => Self::of_ipv4(frame, network),
            0x86dd => Self::of_ipv6(frame, network),
            _ => None,
        }
    }

    fn of_ipv4(frame: &[u8], network: usize) -> Option<Self> {
        let transport = network + usize::from(frame.get(network)? & 0x0f) * 4;
        if get16(frame, network + 6)? & 0x1fff != 0 {
            return None;
        }
        let length = match get16(frame, network + 2)? {
            0 => None,
            total => Some(usize::from(total)),
        };
        Self::with_transport(
            frame,
            false,
            *frame.get(network + 9)?,
            network,
            transport,
            length,
        )
    }

    fn of_ipv6(frame: &[u8], network: usize) -> Option<Self> {
        let length = match get16(frame, network + 4)? {
            0 => None,
            payload => Some(usize::from(payload) + 40),
        };
        let next = *frame.get(network + 6)?;
        Self::with_transport(frame, true, next, network, network + 40, length)
    }

    fn with_transport(
        frame: &[u8],
        v6: bool,
        protocol: u8,
        network: usize,
        transport: usize,
        length: Option<usize>,
    ) -> Option<Self> {
        // A frame beyond what the length field can say has zero there.
        let end = length.map_or(frame.len(), |length| frame.len().min(network + length));
        let payload = match protocol {
            protocol::TCP => transport + usize::from(frame.get(transport + 12)? >> 4) * 4,
            protocol::UDP => transport + 8,
            _ => transport,
        };
        let minimum = if protocol == protocol::TCP {
            transport + 20
        } else {
            transport
        };
        (payload >= minimum && payload <= end && transport < end).then_some(Self {
            v6,
            protocol,
            network,
            transport,
            payload,
            end,
        })
    }

    /// Where the transport checksum lies, for the protocols that have one to finish.
    pub(super) fn checksum(&self) -> Option<usize> {
        match self.protocol {
            protocol::TCP => Some(self.transport + 16),
            protocol::UDP => Some(self.transport + 6),
            _ => None,
        }
    }

    /// What a bit may flip in: the payload, or where there is none the transport header behind
    /// the ports. Any single bit there makes the checksum wrong.
    pub(super) fn flippable(&self) -> Range<usize> {
        if self.payload < self.end {
            return self.payload..self.end;
        }
        let start = if self.checksum().is_some() {
            self.transport + 4
        } else {
            self.transport
        };
        start.min(self.end - 1)..self.end
    }
}

fn get16(frame: &[u8], at: usize) -> Option<u16> {
    let bytes = frame.get(at..)?.first_chunk::<2>()?;
    Some(u16::from_be_bytes(*bytes))
}
