//! Fixtures and statistics for the tests beside this crate: network namespaces, traffic whose
//! every packet is accounted for, probe as a child process, and what could be left behind.
//!
//! Nothing here shares code with probe: it is what probe is held against.

pub mod binomial;
pub mod bpf;
pub mod conversation;
pub mod echo;
pub mod lab;
pub mod netns;
pub mod pair;
pub mod patience;
pub mod priority;
pub mod probe;
pub mod programs;
pub mod snapshot;
pub mod snmp;
pub mod socket;
pub mod stream;
pub mod turn;
pub mod udp;

pub use netns::Netns;
pub use pair::{Family, Pair};
pub use patience::wait_until;
pub use probe::{Ended, Probe};
