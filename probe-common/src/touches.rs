//! When a rule touched a flow's packets, so that an observer can tell which calls a fault was in.

use crate::random::mix;

/// How many of the last times are known.
pub const REMEMBERED: usize = 16;

/// When a rule touched a flow's packets.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Touches {
    /// How many packets it touched.
    pub count: u64,
    /// When the last ones were, on CLOCK_MONOTONIC: a ring, the newest at `count - 1`.
    pub at_ns: [u64; REMEMBERED],
}

/// No touch yet.
pub const NEVER: Touches = Touches {
    count: 0,
    at_ns: [0; REMEMBERED],
};

impl Touches {
    /// Takes note of one, now.
    #[inline(always)]
    pub fn note(&mut self, now_ns: u64) {
        // The mask is what the verifier goes by.
        self.at_ns[self.count as usize & (REMEMBERED - 1)] = now_ns;
        self.count += 1;
    }

    /// Whether there was one between two times, both included. Of what was before the oldest that
    /// is remembered only that it was is known: where that is less than `slack_ns` ago, it counts.
    pub fn between(&self, from_ns: u64, to_ns: u64, slack_ns: u64) -> bool {
        let known = &self.at_ns[..REMEMBERED.min(self.count as usize)];
        if known.iter().any(|at| (from_ns..=to_ns).contains(at)) {
            return true;
        }
        let oldest = known.iter().min().copied().unwrap_or(0);
        self.count > REMEMBERED as u64 && to_ns < oldest && oldest - to_ns < slack_ns
    }
}

/// By what a rule knows the packets of a flow.
#[inline(always)]
pub fn flow_key(flow_hash: u64, rule: u32) -> u64 {
    mix(flow_hash ^ u64::from(rule))
}

/// By what a rule knows a socket that it let no connection come to be of.
#[inline(always)]
pub fn socket_key(cookie: u64, rule: u32) -> u64 {
    flow_key(mix(cookie), rule)
}

const _: () = assert!(REMEMBERED.is_power_of_two());
const _: () = assert!(size_of::<Touches>() == 136);

#[cfg(test)]
mod tests {
    use super::*;

    fn touched(at_ns: impl IntoIterator<Item = u64>) -> Touches {
        let mut touches = NEVER;
        at_ns.into_iter().for_each(|at| touches.note(at));
        touches
    }

    #[test]
    fn a_touch_is_in_the_span_it_was_in() {
        let touches = touched([100, 250]);
        assert!(touches.between(90, 110, 0));
        assert!(touches.between(100, 100, 0) && touches.between(240, 250, 0));
        assert!(!touches.between(101, 249, 1_000));
        assert!(!NEVER.between(0, u64::MAX, u64::MAX));
    }

    #[test]
    fn what_was_overwritten_counts_only_where_it_was_just_now() {
        let touches = touched((1..=40).map(|n| n * 10));
        // The oldest that is known is 250.
        assert!(touches.between(250, 255, 0));
        assert!(!touches.between(100, 105, 145));
        assert!(touches.between(100, 105, 146));
        assert!(!touches.between(401, 500, 1_000));
    }
}
