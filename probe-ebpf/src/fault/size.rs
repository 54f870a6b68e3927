//! How large a fault is at a moment: it may grow over a ramp, and pause between pulses.

use probe_common::rule::FaultRule;

/// What stands for a fault's full size.
const FULL: u64 = 1 << 16;

/// The size of a fault, from nothing to full.
#[derive(Clone, Copy)]
pub(crate) struct Size(u64);

impl Size {
    /// The size of a rule's fault at a time at which the rule holds; `None` while it pauses.
    #[inline(always)]
    pub(crate) fn of(rule: &FaultRule, now_ns: u64) -> Option<Self> {
        let age = now_ns.saturating_sub(rule.starts_ns);
        let period = rule.pulse_on_ns.wrapping_add(rule.pulse_off_ns);
        if rule.pulse_on_ns != 0 && period != 0 && age % period >= rule.pulse_on_ns {
            return None;
        }
        if rule.ramp_ns == 0 || age >= rule.ramp_ns {
            return Some(Self(FULL));
        }
        // An age of at most an hour has 42 bits.
        Some(Self(age * FULL / rule.ramp_ns))
    }

    /// A probability in parts of 2³²; certainty only at full size.
    #[inline(always)]
    pub(super) fn of_share(self, share: u32) -> u32 {
        if self.0 == FULL {
            share
        } else {
            ((u64::from(share) * self.0) >> 16) as u32
        }
    }

    /// A time, or a cost.
    #[inline(always)]
    pub(super) fn of_time(self, ns: u64) -> u64 {
        if self.0 == FULL {
            ns
        } else {
            (ns >> 16) * self.0 + (((ns & 0xffff) * self.0) >> 16)
        }
    }
}
