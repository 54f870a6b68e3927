//! What both sides of the kernel boundary agree on: names, events, rules, counters, histograms.
//!
//! `no_std` and free of dependencies, so that it compiles for the BPF target and for the host
//! alike. Every shared type is `#[repr(C)]`, of fixed width, with its padding spelled out.
#![cfg_attr(not(test), no_std)]

pub mod address;
pub mod connection;
pub mod counters;
pub mod event;
pub mod flow;
pub mod framing;
pub mod gauge;
pub mod histogram;
pub mod lane;
pub mod line;
pub mod names;
pub mod overheard;
pub mod peer;
pub mod protect;
pub mod question;
pub mod random;
pub mod rule;
pub mod touches;
pub mod tray;

/// Version of everything in this crate that crosses the boundary.
///
/// The object is embedded in the binary, so the two can't drift apart in one process; the
/// number tells one process's maps from another's when `probe stop` and `probe status` look at
/// what runs on the host.
pub const ABI_VERSION: u32 = 4;
