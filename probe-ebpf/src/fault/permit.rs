//! Where a rule may only touch so many packets: leave to touch one more.

use probe_common::rule::FaultRule;

use crate::{atomic, maps::plan};

/// Leave to touch one packet more, where a rule may only touch so many.
pub(crate) struct Permit {
    touched: *mut u64,
}

impl Permit {
    #[inline(always)]
    pub(crate) fn take(index: u32, rule: &FaultRule) -> Option<Self> {
        if rule.max_packets == 0 {
            return Some(Self {
                touched: core::ptr::null_mut(),
            });
        }
        let state = plan::state(index)?;
        // SAFETY: a valid pointer into the map, changed by atomic operations only.
        let permit = Self {
            touched: unsafe { &raw mut (*state).touched },
        };
        // SAFETY: as above.
        if unsafe { atomic::fetch_add(permit.touched, 1) } >= rule.max_packets {
            permit.give_back();
            return None;
        }
        Some(permit)
    }

    #[inline(always)]
    pub(super) fn give_back(&self) {
        if !self.touched.is_null() {
            // SAFETY: as in `take`.
            unsafe { atomic::fetch_add(self.touched, u64::MAX) };
        }
    }
}
