//! Frames in the order in which they are due; those due at the same time in the order in which
//! they came.

use std::{cmp::Reverse, collections::BinaryHeap};

use super::frame::Frame;

/// What a line holds at most, in bytes of buffers; what comes beyond is dropped and counted.
pub(super) const MOST_BYTES: usize = 512 << 20;

/// A frame, when it came, when it is due.
pub(super) struct Waiting {
    pub(super) frame: Frame,
    pub(super) entered_ns: u64,
    pub(super) due_ns: u64,
    /// Whether it came to wait, rather than only to be changed.
    pub(super) delayed: bool,
}

/// Frames that wait.
#[derive(Default)]
pub(super) struct Queue {
    order: BinaryHeap<Reverse<(u64, u64, usize)>>,
    places: Vec<Option<Waiting>>,
    free: Vec<usize>,
    arrivals: u64,
    bytes: usize,
}

impl Queue {
    /// Adds a frame; gives it back where there is no room.
    pub(super) fn push(&mut self, waiting: Waiting) -> Result<(), Waiting> {
        let footprint = waiting.frame.footprint();
        if self.bytes + footprint > MOST_BYTES {
            return Err(waiting);
        }
        self.bytes += footprint;
        self.arrivals += 1;
        let due_ns = waiting.due_ns;
        let place = match self.free.pop() {
            Some(place) => {
                self.places[place] = Some(waiting);
                place
            }
            None => {
                self.places.push(Some(waiting));
                self.places.len() - 1
            }
        };
        self.order.push(Reverse((due_ns, self.arrivals, place)));
        Ok(())
    }

    /// When the next frame is due.
    pub(super) fn next_due_ns(&self) -> Option<u64> {
        self.order.peek().map(|Reverse((due_ns, ..))| *due_ns)
    }

    /// The next frame, if it is due by then.
    pub(super) fn pop_due(&mut self, now_ns: u64) -> Option<Waiting> {
        if self.next_due_ns()? > now_ns {
            return None;
        }
        let Reverse((_, _, place)) = self.order.pop()?;
        self.free.push(place);
        let waiting = self.places[place].take()?;
        self.bytes -= waiting.frame.footprint();
        Some(waiting)
    }

    /// How many frames wait.
    pub(super) fn len(&self) -> usize {
        self.order.len()
    }
}

#[cfg(test)]
mod tests {
    use super::{super::frame::Pool, *};

    fn waiting(due_ns: u64) -> Waiting {
        let frame = Pool::default()
            .fill::<()>(|_, _| Ok(Some(100)))
            .unwrap()
            .unwrap();
        Waiting {
            frame,
            entered_ns: 0,
            due_ns,
            delayed: true,
        }
    }

    #[test]
    fn frames_leave_when_due_and_in_order() {
        let mut queue = Queue::default();
        for due in [30, 10, 20, 10] {
            assert!(queue.push(waiting(due)).is_ok());
        }
        assert_eq!(queue.next_due_ns(), Some(10));
        assert!(queue.pop_due(9).is_none());
        let left: Vec<_> = std::iter::from_fn(|| queue.pop_due(20))
            .map(|w| w.due_ns)
            .collect();
        assert_eq!(left, [10, 10, 20]);
        assert_eq!(queue.len(), 1);
    }

    #[test]
    fn places_are_used_again() {
        let mut queue = Queue::default();
        for round in 0..1_000 {
            assert!(queue.push(waiting(round)).is_ok());
            assert!(queue.pop_due(round).is_some());
        }
        assert_eq!(queue.places.len(), 1);
        assert_eq!(queue.bytes, 0);
    }

    #[test]
    fn what_finds_no_room_comes_back() {
        let mut queue = Queue {
            bytes: MOST_BYTES,
            ..Queue::default()
        };
        assert!(queue.push(waiting(1)).is_err());
        assert_eq!(queue.len(), 0);
    }
}
