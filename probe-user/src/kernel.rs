//! The boundary to the kernel: loading programs, attaching them, reading and writing their
//! maps, and what else has to be asked of the host. The only place that names aya.

pub mod attach;
pub mod audit_log;
pub mod blast;
pub mod cgroups;
pub mod clock;
pub mod delay_line;
pub mod found;
pub mod hooks;
pub mod host;
pub mod injector;
pub mod interfaces;
pub mod lease;
pub mod leftovers;
pub mod listening;
pub mod log;
pub mod login;
pub mod mapped;
pub mod near;
pub mod netns;
pub mod object;
pub mod observer;
pub mod overheard;
pub mod owners;
mod pidfd;
mod presence;
pub mod process;
pub mod processes;
pub mod resolve;
pub mod seeds;
pub mod sockets;
pub mod support;
pub mod touched;
