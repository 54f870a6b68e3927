//! DNS answers that the injector overhears, so that the endpoints of names stay those that
//! applications are told.

/// Most bytes of an answer that are kept; a longer one can still be read as far as it is there.
pub const MESSAGE_LENGTH: usize = 1_024;

/// The UDP payload of a packet from port 53.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct DnsMessage {
    /// How many of `bytes` count.
    pub length: u32,
    /// The message.
    pub bytes: [u8; MESSAGE_LENGTH],
}

impl DnsMessage {
    /// Reads one as it comes out of the ring; `None` where it is cut short or empty.
    pub fn decode(item: &[u8]) -> Option<&[u8]> {
        let (length, bytes) = item.split_first_chunk()?;
        let length = u32::from_ne_bytes(*length) as usize;
        bytes.get(..length).filter(|message| !message.is_empty())
    }
}

const _: () = assert!(size_of::<DnsMessage>() == 4 + MESSAGE_LENGTH);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_as_long_as_it_says_or_none() {
        let item = |length: u32| [&length.to_ne_bytes()[..], b"abc"].concat();
        assert_eq!(DnsMessage::decode(&item(2)), Some(&b"ab"[..]));
        assert_eq!(DnsMessage::decode(&item(4)), None);
        assert_eq!(DnsMessage::decode(&item(0)), None);
        assert_eq!(DnsMessage::decode(&[1, 0]), None);
    }
}
