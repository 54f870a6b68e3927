//! The maps, each a private static behind functions in the file that owns it: nothing else in
//! the programs touches a map.

pub(crate) mod ages;
pub(crate) mod counted;
pub(crate) mod counters;
pub(crate) mod flows;
pub(crate) mod gaps;
pub(crate) mod gauges;
pub(crate) mod lane;
pub(crate) mod line;
pub(crate) mod near;
pub(crate) mod overheard;
pub(crate) mod peers;
pub(crate) mod plan;
pub(crate) mod protect;
pub(crate) mod questions;
pub(crate) mod ring;
pub(crate) mod room;
pub(crate) mod streams;
pub(crate) mod trays;

/// Flag of array maps that user space may map into its memory.
const BPF_F_MMAPABLE: u32 = 1 << 10;

/// Increments a counter of this CPU's own: nothing else writes it, so no atomic is needed.
macro_rules! count {
    ($counters:expr, $field:ident) => {
        count!($counters, $field, 1)
    };
    ($counters:expr, $field:ident, $by:expr) => {
        if let Some(counters) = $counters {
            // SAFETY: a pointer into this CPU's value of a per-CPU array; programs don't
            // preempt each other on a CPU in a way that outlives one increment.
            unsafe { (*counters).$field += $by };
        }
    };
}
pub(crate) use count;

/// The same where another program may come between, on the same CPU: in the hooks of system calls,
/// which a preemptible kernel may interrupt.
macro_rules! count_shared {
    ($counters:expr, $field:ident) => {
        count_shared!($counters, $field, 1)
    };
    ($counters:expr, $field:ident, $by:expr) => {
        if let Some(counters) = $counters {
            // SAFETY: a pointer into this CPU's value of a per-CPU array, changed atomically by all
            // who may be interrupted.
            unsafe { $crate::atomic::fetch_add(&raw mut (*counters).$field, $by) };
        }
    };
}
pub(crate) use count_shared;
