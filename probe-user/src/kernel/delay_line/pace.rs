//! How the thread looks after its frames: one at a time where few come, many at a time where many
//! do. To be woken for each costs their sender, and to watch the clock for each costs a processor
//! that their sender or their receiver could use.

/// Frames that come closer together than this are many.
const CLOSE_NS: u64 = 100_000;
/// How long frames lie unread at most, and which share of the shortest wait that may be.
const MOST_UNREAD_NS: u64 = 150_000;
const UNREAD_SHARE: u64 = 4;
/// How late they go at most for being many, and which share of the shortest wait that may be.
const MOST_LATE_NS: u64 = 50_000;
const LATE_SHARE: u64 = 32;
/// It isn't worth sleeping for less.
const LEAST_NS: u64 = 10_000;
/// How long a wait is remembered, at least.
const MEMORY_NS: u64 = 100_000_000;

/// What came lately.
#[derive(Debug)]
pub(super) struct Pace {
    /// How far apart frames came, each counting an eighth.
    apart_ns: u64,
    /// When the last one came.
    came_ns: u64,
    /// The shortest wait since `since_ns`, and of as long a time before.
    shortest_ns: [u64; 2],
    since_ns: u64,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            apart_ns: FAR_APART_NS,
            came_ns: 0,
            shortest_ns: [u64::MAX; 2],
            since_ns: 0,
        }
    }
}

/// Frames that come further apart than this are no different.
const FAR_APART_NS: u64 = 8 * CLOSE_NS;

impl Pace {
    /// Notes a frame, when it came and how long it is to wait.
    pub(super) fn note(&mut self, entered_ns: u64, wait_ns: u64) {
        let apart_ns = entered_ns.saturating_sub(self.came_ns).min(FAR_APART_NS);
        self.apart_ns = (7 * self.apart_ns + apart_ns) / 8;
        self.came_ns = self.came_ns.max(entered_ns);
        if self.came_ns - self.since_ns > MEMORY_NS {
            self.since_ns = self.came_ns;
            self.shortest_ns = [u64::MAX, self.shortest_ns[0]];
        }
        self.shortest_ns[0] = self.shortest_ns[0].min(wait_ns);
    }

    /// How long the thread is to sleep, whatever comes meanwhile, where the next frame is due in
    /// so long; `None` where frames are few, or don't wait long enough for it.
    pub(super) fn nap_ns(&self, now_ns: u64, until_due_ns: Option<u64>) -> Option<u64> {
        let since_last = now_ns.saturating_sub(self.came_ns);
        let shortest_ns = self.shortest_ns[0].min(self.shortest_ns[1]);
        let late_ns = MOST_LATE_NS.min(shortest_ns / LATE_SHARE);
        if self.apart_ns.max(since_last) > CLOSE_NS || late_ns < LEAST_NS {
            return None;
        }
        let unread_ns = MOST_UNREAD_NS.min(shortest_ns / UNREAD_SHARE);
        Some(unread_ns.min(until_due_ns.unwrap_or(u64::MAX).max(late_ns)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    /// So many frames, so far apart, that wait so long; and when the last came.
    fn after(frames: u64, apart_ns: u64, wait_ns: u64) -> (Pace, u64) {
        let mut pace = Pace::default();
        for frame in 1..=frames {
            pace.note(1_000 * MS + frame * apart_ns, wait_ns);
        }
        (pace, 1_000 * MS + frames * apart_ns)
    }

    #[test]
    fn few_frames_are_looked_after_one_by_one() {
        let (pace, now) = after(1_000, 2 * MS, 10 * MS);
        assert_eq!(pace.nap_ns(now, Some(MS)), None);
        assert_eq!(Pace::default().nap_ns(0, None), None);
    }

    #[test]
    fn many_lie_unread_a_little_and_go_a_little_late() {
        let (pace, now) = after(1_000, 5_000, 10 * MS);
        assert_eq!(pace.nap_ns(now, Some(5 * MS)), Some(MOST_UNREAD_NS));
        assert_eq!(pace.nap_ns(now, None), Some(MOST_UNREAD_NS));
        assert_eq!(pace.nap_ns(now, Some(70_000)), Some(70_000));
        assert_eq!(pace.nap_ns(now, Some(0)), Some(MOST_LATE_NS));
    }

    #[test]
    fn a_short_wait_is_not_made_much_longer() {
        let (pace, now) = after(1_000, 5_000, 400_000);
        assert_eq!(pace.nap_ns(now, Some(300_000)), Some(100_000));
        assert_eq!(pace.nap_ns(now, Some(0)), Some(12_500));
        let (pace, now) = after(1_000, 5_000, 100_000);
        assert_eq!(pace.nap_ns(now, Some(0)), None, "not worth it");
        let (mut pace, now) = after(1_000, 5_000, 10 * MS);
        pace.note(now + 5_000, 0);
        assert_eq!(pace.nap_ns(now + 5_000, Some(0)), None, "one has no wait");
    }

    #[test]
    fn a_short_wait_is_forgotten_in_time() {
        let (mut pace, now) = after(1_000, 5_000, 0);
        for frame in 1..=250 * MS / 5_000 {
            pace.note(now + frame * 5_000, 10 * MS);
        }
        assert!(pace.nap_ns(now + 250 * MS, None).is_some());
    }

    #[test]
    fn when_no_more_come_the_next_one_wakes() {
        let (pace, now) = after(1_000, 5_000, 10 * MS);
        assert_eq!(pace.nap_ns(now + CLOSE_NS + 1, Some(MS)), None);
    }
}
