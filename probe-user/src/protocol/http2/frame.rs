//! Frames that carry header blocks (RFC 9113, 6), and what is around the blocks in them.

/// Types of frames.
pub(super) mod kind {
    pub const HEADERS: u8 = 1;
    pub const PUSH_PROMISE: u8 = 5;
    pub const CONTINUATION: u8 = 9;
}

/// Flags of frames.
pub(super) mod flag {
    pub const END_STREAM: u8 = 0x1;
    pub const END_HEADERS: u8 = 0x4;
    pub const PADDED: u8 = 0x8;
    pub const PRIORITY: u8 = 0x20;
}

/// The fragment of a header block in a frame's payload (RFC 9113, 6.2); `None` where it can't be
/// told from what is around it.
pub(super) fn fragment(kind: u8, flags: u8, payload: &[u8], whole: bool) -> Option<&[u8]> {
    let mut fragment = payload;
    if kind != kind::CONTINUATION && flags & flag::PADDED != 0 {
        let (&padding, rest) = fragment.split_first()?;
        // Of a frame that is cut short, nobody knows where the padding begins.
        let length = rest.len().checked_sub(padding.into()).filter(|_| whole)?;
        fragment = &rest[..length];
    }
    let before = match kind {
        kind::HEADERS if flags & flag::PRIORITY != 0 => 5,
        kind::PUSH_PROMISE => 4,
        _ => 0,
    };
    fragment.get(before..)
}
