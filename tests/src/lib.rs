//! Fixtures and statistics for the tests beside this crate: network namespaces, traffic whose
//! every packet is accounted for, probe as a child process, and what could be left behind.
//!
//! Nothing here shares code with probe: it is what probe is held against.

pub mod binomial;
pub mod bpf;
pub mod cgroup;
pub mod conversation;
pub mod crowd;
pub mod distribution;
pub mod driver;
pub mod echo;
pub mod flood;
pub mod frames;
pub mod ground_truth;
pub mod http;
pub mod kolmogorov;
pub mod lab;
pub mod netns;
pub mod offload;
pub mod pair;
pub mod patience;
pub mod pattern;
pub mod place;
pub mod priority;
pub mod probe;
pub mod programs;
pub mod puppet;
pub mod resolver;
pub mod screen;
pub mod sealed;
pub mod servers;
pub mod shipped;
pub mod snapshot;
pub mod snmp;
pub mod socket;
pub mod starvation;
pub mod stream;
pub mod streams;
pub mod test_run;
pub mod tool;
pub mod turn;
pub mod udp;
pub mod voyage;
pub mod watch;
pub mod wrk;

pub use cgroup::Cgroup;
pub use netns::Netns;
pub use pair::{Family, Pair};
pub use patience::wait_until;
pub use probe::{Ended, Probe};
pub use puppet::{Call, Puppet};
