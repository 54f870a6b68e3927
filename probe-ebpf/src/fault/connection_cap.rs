//! The cap on how many connections a rule touches: the first ones that it would, and no more.

use probe_common::{
    random,
    rule::{FaultRule, admission},
};

use crate::{
    atomic,
    maps::{flows, plan},
};

/// Keeps what is known of a connection apart from what is known of its directions.
const BOTH_WAYS: u64 = 0x517c_c1b7_2722_0a95;

/// Whether a rule may touch a packet of this connection. One that has been forgotten since, for
/// want of room, counts as another: rather too few are touched than too many.
#[inline(always)]
pub(super) fn admits(index: u32, rule: &FaultRule, connection_hash: u64) -> bool {
    rule.max_flows == 0 || is_admitted(index, rule.max_flows, connection_hash)
}

#[inline(always)]
fn is_admitted(index: u32, max_flows: u64, connection_hash: u64) -> bool {
    let key = random::mix(connection_hash ^ u64::from(index) ^ BOTH_WAYS);
    let (Some(flow), Some(state)) = (flows::fault_flow(key), plan::state(index)) else {
        return false;
    };
    // SAFETY: a valid pointer into the map. Two CPUs that see the first packets of one connection
    // at once may both count it: again rather too few.
    let flow = unsafe { &mut *flow };
    if flow.bad == admission::UNDECIDED {
        // SAFETY: a valid pointer into the map, changed by atomic operations only.
        let before = unsafe { atomic::fetch_add(&raw mut (*state).flows, 1) };
        flow.bad = match before < max_flows {
            true => admission::ADMITTED,
            false => admission::REFUSED,
        };
    }
    flow.bad == admission::ADMITTED
}
