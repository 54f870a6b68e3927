//! connect() fails at once, in the caller's own kernel: nothing is sent.

use probe_common::rule::{FaultRule, fault};

use super::{Argument, Arguments, Errno, Kind, errno::ERRNO};
use crate::plan::Direction;

/// connect() fails at once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Refuse {
    /// With which error.
    pub errno: Errno,
}

impl Kind for Refuse {
    const NAME: &'static str = "refuse";
    const SUMMARY: &'static str = "connect() fails at once";
    const ARGUMENTS: &'static [Argument] = &[ERRNO];
    const DIRECTION: Option<Direction> = Some(Direction::Egress);
    const GROWS: bool = false;
    const AT_CONNECT: bool = true;

    fn read<A: Arguments>(arguments: &A) -> Result<Self, A::Error> {
        let errno = arguments.read(&ERRNO, Errno::parse)?;
        Ok(Self {
            errno: errno.unwrap_or(Errno::ConnectionRefused),
        })
    }

    fn arguments(&self) -> String {
        self.errno.typed().trim_start().to_owned()
    }

    fn words(&self) -> String {
        format!("with {}", self.errno.name())
    }

    fn encode(&self, rule: &mut FaultRule) {
        rule.kind = fault::REFUSE;
        rule.errno = self.errno.number();
    }

    fn decode(rule: &FaultRule) -> Option<Self> {
        let errno = Errno::of_number(rule.errno)?;
        (rule.kind == fault::REFUSE).then_some(Self { errno })
    }
}
