//! connect() fails beyond so many connections at once: a pool that is exhausted.

use probe_common::rule::{FaultRule, fault};

use super::{Argument, Arguments, Errno, Kind, errno::ERRNO};
use crate::mistake::Mistake;
use crate::plan::Direction;
use crate::quantity::parse_count;

/// connect() fails beyond so many connections at once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LimitConnections {
    /// How many may be open.
    pub limit: u64,
    /// With which error the next one fails.
    pub errno: Errno,
}

const LIMIT: Argument = Argument::amount("limit-connections", "N", "3").number();

impl Kind for LimitConnections {
    const NAME: &'static str = "limit-connections";
    const SUMMARY: &'static str = "connect() fails beyond so many open connections";
    const ARGUMENTS: &'static [Argument] = &[LIMIT, ERRNO];
    const DIRECTION: Option<Direction> = Some(Direction::Egress);
    const GROWS: bool = false;
    const AT_CONNECT: bool = true;

    fn read<A: Arguments>(arguments: &A) -> Result<Self, A::Error> {
        let errno = arguments.read(&ERRNO, Errno::parse)?;
        Ok(Self {
            limit: arguments.needed(&LIMIT, limit)?,
            errno: errno.unwrap_or(Errno::ConnectionRefused),
        })
    }

    fn arguments(&self) -> String {
        format!("{}{}", self.limit, self.errno.typed())
    }

    fn words(&self) -> String {
        format!("{}, then {}", self.limit, self.errno.name())
    }

    fn limit(&self) -> Option<u64> {
        Some(self.limit)
    }

    fn encode(&self, rule: &mut FaultRule) {
        rule.kind = fault::LIMIT_CONNECTIONS;
        rule.limit = self.limit;
        rule.errno = self.errno.number();
    }

    fn decode(rule: &FaultRule) -> Option<Self> {
        let errno = Errno::of_number(rule.errno)?;
        (rule.kind == fault::LIMIT_CONNECTIONS).then_some(Self {
            limit: rule.limit,
            errno,
        })
    }
}

fn limit(text: &str) -> Result<u64, Mistake> {
    match parse_count(text)? {
        0 => Err(Mistake::new("0 would refuse every connection").hint("that is what refuse does")),
        limit => Ok(limit),
    }
}
