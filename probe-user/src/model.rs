//! What was observed, as calls between services and dependencies over time.
//!
//! Pure: facts go in with their time, statistics over any span of time come out. Nothing here
//! reads a clock, a file or the kernel.

pub mod histogram;
pub mod window;

pub use histogram::Histogram;
pub use window::WindowStats;
