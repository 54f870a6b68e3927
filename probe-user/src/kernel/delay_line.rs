//! Where packets wait, by one of two backends: a TAP device and a thread in user space, which
//! work everywhere, or a veth pair with the fq qdisc, inside the kernel. Nothing that belongs to
//! the user is changed by either: no qdisc, no route.

mod corrupt;
mod device;
mod fq;
mod frame;
mod pace;
mod queue;
mod slots;
mod statistics;
mod userspace;
mod worker;

use std::fmt;

use anyhow::Result;

use crate::mistake::Mistake;

pub use fq::{
    Lane, Maps as LaneMaps, NEEDS as FQ_NEEDS, kernel_has_departure_times, usable as fq_usable,
};
pub use slots::Slots;
pub use statistics::{LineStatistics, Waits};
pub use userspace::Userspace;

/// A place where packets of one network namespace wait until they are due.
pub trait DelayBackend: fmt::Debug + Send {
    /// Index of its device in the namespace.
    fn ifindex(&self) -> u32;

    /// Name of its device.
    fn device_name(&self) -> &str;

    /// Lets every waiting packet go on now, and those that still come.
    fn let_go(&self);

    /// The same, for a thread that doesn't have the line, and doesn't keep its device from going;
    /// `None` where the kernel itself lets packets go once the kill switch is thrown.
    fn release(&self) -> Option<Box<dyn Fn() + Send>> {
        None
    }

    /// Holds packets again.
    fn hold(&self);

    /// What went through so far.
    fn statistics(&self) -> LineStatistics;
}

/// Which backend it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// A TAP device and a thread.
    Userspace,
    /// A veth pair with fq.
    Fq,
}

impl Backend {
    /// What it is called in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Userspace => "userspace",
            Self::Fq => "fq",
        }
    }
}

/// Which backend is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    /// fq where the host can do it, else user space.
    #[default]
    Auto,
    /// This one.
    Only(Backend),
}

/// Names the backend, where no option does.
const VARIABLE: &str = "PROBE_DELAY_BACKEND";

impl Choice {
    /// Reads what was typed.
    ///
    /// # Errors
    /// Where it is none of the three.
    pub fn parse(text: &str) -> Result<Self, Mistake> {
        match text {
            "auto" => Ok(Self::Auto),
            "userspace" => Ok(Self::Only(Backend::Userspace)),
            "fq" => Ok(Self::Only(Backend::Fq)),
            _ => Err(Mistake::new(format!("\"{text}\" is no delay backend"))
                .hint("there are auto, userspace and fq")),
        }
    }

    /// What the environment says.
    ///
    /// # Errors
    /// Where it says something else.
    pub fn of_environment() -> Result<Self> {
        match std::env::var(VARIABLE) {
            Ok(text) if !text.is_empty() => {
                Self::parse(&text).map_err(|mistake| anyhow::Error::from(mistake).context(VARIABLE))
            }
            _ => Ok(Self::Auto),
        }
    }

    /// The backend to use on this host.
    ///
    /// # Errors
    /// Where fq is insisted on and can't be had.
    pub fn settle(self) -> Result<Backend> {
        match self {
            Self::Only(Backend::Userspace) => Ok(Backend::Userspace),
            Self::Only(Backend::Fq) => fq::usable().map(|()| Backend::Fq),
            Self::Auto => match fq::usable() {
                Ok(()) => Ok(Backend::Fq),
                Err(error) => {
                    ::log::debug!("delay backend userspace: {error:#}");
                    Ok(Backend::Userspace)
                }
            },
        }
    }
}

/// Puts the calling thread ahead of ordinary ones, so that a busy machine doesn't make packets
/// or leases late.
///
/// # Errors
/// Where the host doesn't allow it: then they may be late.
pub fn prefer_this_thread() -> std::io::Result<()> {
    let parameters = libc::sched_param { sched_priority: 2 };
    // SAFETY: sets the calling thread's own scheduling; the parameters are valid for the call.
    let code = unsafe {
        libc::sched_setscheduler(0, libc::SCHED_FIFO | libc::SCHED_RESET_ON_FORK, &parameters)
    };
    if code == 0 {
        return Ok(());
    }
    let error = std::io::Error::last_os_error();
    ::log::debug!("no real-time scheduling: {error}");
    Err(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backends_are_read_as_they_are_named() {
        for backend in [Backend::Userspace, Backend::Fq] {
            assert_eq!(
                Choice::parse(backend.name()).unwrap(),
                Choice::Only(backend)
            );
        }
        assert_eq!(Choice::parse("auto").unwrap(), Choice::Auto);
        assert!(Choice::parse("netem").is_err());
    }
}
