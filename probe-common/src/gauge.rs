//! How many requests wait for their answer, of each peer, kept in the kernel so that it is exact
//! whatever becomes of events.

/// One peer's, by its slot; shared by all CPUs, and mapped into the observer's memory.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gauge {
    /// Requests that wait now. Reads as below zero for a moment, where two CPUs cross.
    pub in_flight: i64,
    /// The most that waited at once.
    pub most: u64,
}

const _: () = assert!(size_of::<Gauge>() == 16);

// SAFETY: `#[repr(C)]`, two words: no padding, any bit pattern valid.
#[cfg(feature = "user")]
unsafe impl aya::Pod for Gauge {}
