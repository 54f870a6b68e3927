//! Frames as the TAP device gives them: a virtio header, Ethernet addresses, the tag, the rest.

use probe_common::line::TAG_PROTOCOL;

/// Length of the virtio header in front of each frame.
pub(super) const VIRTIO_LENGTH: usize = 10;
/// Where the tag's protocol lies, the virtio header included.
const TAG_AT: usize = VIRTIO_LENGTH + 12;
/// Small frames fit in the head alone.
pub(super) const HEAD: usize = 2_048;
/// Room for the rest of the largest frame there is.
pub(super) const REST: usize = 66 * 1_024;

/// A frame that waits.
pub(super) struct Frame {
    head: Box<[u8; HEAD]>,
    rest: Option<Box<[u8; REST]>>,
    length: usize,
}

impl Frame {
    /// The frame's bytes, in two parts, of which the second may be empty.
    pub(super) fn parts(&self) -> (&[u8], &[u8]) {
        match &self.rest {
            Some(rest) => (&self.head[..], &rest[..self.length - HEAD]),
            None => (&self.head[..self.length], &[]),
        }
    }

    /// What the frame takes up while it waits, in bytes.
    pub(super) fn footprint(&self) -> usize {
        if self.rest.is_some() {
            HEAD + REST
        } else {
            HEAD
        }
    }

    /// The slot's number, which the tag is before the frame goes back; `None` for a frame that
    /// isn't one of the line's.
    pub(super) fn tag(&self) -> Option<u16> {
        let tag = self.head[..self.length.min(HEAD)]
            .get(TAG_AT..)?
            .first_chunk::<4>()?;
        let [p0, p1, t0, t1] = *tag;
        (u16::from_be_bytes([p0, p1]) == TAG_PROTOCOL).then(|| u16::from_be_bytes([t0, t1]))
    }

    /// Replaces the tag. The frame must have one.
    pub(super) fn set_tag(&mut self, tag: u16) {
        self.head[TAG_AT + 2..TAG_AT + 4].copy_from_slice(&tag.to_be_bytes());
    }

    /// All bytes in one piece.
    pub(super) fn to_vec(&self) -> Vec<u8> {
        let (head, rest) = self.parts();
        [head, rest].concat()
    }
}

/// Buffers that are used again.
#[derive(Default)]
#[expect(clippy::vec_box, reason = "moving a box moves a pointer")]
pub(super) struct Pool {
    heads: Vec<Box<[u8; HEAD]>>,
    rests: Vec<Box<[u8; REST]>>,
}

/// Buffers of each kind that are kept for the next frames; more are given back.
const KEPT: usize = 4_096;
const KEPT_RESTS: usize = 512;

impl Pool {
    /// A frame filled by `read`, which is given both buffers and tells how many bytes it wrote;
    /// `None` where it wrote none.
    pub(super) fn fill<E>(
        &mut self,
        read: impl FnOnce(&mut [u8], &mut [u8]) -> Result<Option<usize>, E>,
    ) -> Result<Option<Frame>, E> {
        let mut head = self.heads.pop().unwrap_or_else(zeroed_box);
        let mut rest = self.rests.pop().unwrap_or_else(zeroed_box);
        let read = read(&mut head[..], &mut rest[..]);
        match read {
            Ok(Some(length)) if length > HEAD => Ok(Some(Frame {
                head,
                rest: Some(rest),
                length: length.min(HEAD + REST),
            })),
            Ok(Some(length)) => {
                self.rests.push(rest);
                Ok(Some(Frame {
                    head,
                    rest: None,
                    length,
                }))
            }
            Ok(None) => {
                self.heads.push(head);
                self.rests.push(rest);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Takes a frame's buffers back.
    pub(super) fn recycle(&mut self, frame: Frame) {
        if self.heads.len() < KEPT {
            self.heads.push(frame.head);
        }
        if let Some(rest) = frame.rest
            && self.rests.len() < KEPT_RESTS
        {
            self.rests.push(rest);
        }
    }
}

/// A zeroed array on the heap that was never on the stack.
fn zeroed_box<const N: usize>() -> Box<[u8; N]> {
    match vec![0u8; N].into_boxed_slice().try_into() {
        Ok(array) => array,
        Err(_) => unreachable!("the slice was made with this length"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(length: usize, tag: Option<u16>) -> Frame {
        let mut pool = Pool::default();
        let mut frame = pool
            .fill::<()>(|head, _| {
                if let Some(tag) = tag {
                    head[TAG_AT..TAG_AT + 2].copy_from_slice(&TAG_PROTOCOL.to_be_bytes());
                    head[TAG_AT + 2..TAG_AT + 4].copy_from_slice(&tag.to_be_bytes());
                }
                Ok(Some(length))
            })
            .unwrap()
            .unwrap();
        frame.length = length;
        frame
    }

    #[test]
    fn a_tag_is_read_and_replaced() {
        let mut frame = frame(100, Some(0xabcd));
        assert_eq!(frame.tag(), Some(0xabcd));
        frame.set_tag(7);
        assert_eq!(frame.tag(), Some(7));
    }

    #[test]
    fn frames_that_are_not_ours_have_no_tag() {
        assert_eq!(frame(100, None).tag(), None);
        assert_eq!(frame(TAG_AT + 3, Some(1)).tag(), None, "cut short");
        assert_eq!(frame(0, None).tag(), None);
    }

    #[test]
    fn a_large_frame_is_two_parts_and_loses_nothing() {
        let large = frame(HEAD + 10, Some(1));
        assert_eq!(large.parts().1.len(), 10);
        assert_eq!(large.to_vec().len(), HEAD + 10);
        assert_eq!(frame(HEAD, Some(1)).parts().1.len(), 0);
    }
}
