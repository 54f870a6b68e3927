//! Packets wait a while, and those behind them overtake them.

use std::time::Duration;

use probe_common::rule::{FaultRule, fault};

use super::{Argument, Arguments, Kind, arguments};
use crate::plan::Share;
use crate::quantity::words::{typed_duration, typed_share};

/// Packets wait a while, and those behind them overtake them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reorder {
    /// The share of packets.
    pub share: Share,
    /// How long they wait.
    pub by_ns: u64,
}

const AMOUNT: Argument = Argument::amount("reorder", "SHARE", "10%");
const BY: Argument = Argument::option(
    "by",
    "DURATION",
    "20ms",
    "how long packets wait while others overtake them [default: 20ms]",
);
const DEFAULT_BY_NS: u64 = 20_000_000;

impl Kind for Reorder {
    const NAME: &'static str = "reorder";
    const SUMMARY: &'static str = "packets wait a while, and those behind them overtake them";
    const ARGUMENTS: &'static [Argument] = &[AMOUNT, BY];

    fn read<A: Arguments>(arguments: &A) -> Result<Self, A::Error> {
        let share = arguments.needed(&AMOUNT, arguments::packets)?;
        let by_ns = arguments.read(&BY, arguments::wait)?;
        Ok(Self {
            share,
            by_ns: by_ns.unwrap_or(DEFAULT_BY_NS),
        })
    }

    fn arguments(&self) -> String {
        let share = typed_share(self.share.value());
        match self.by_ns {
            DEFAULT_BY_NS => share,
            by_ns => format!(
                "{share} --by {}",
                typed_duration(Duration::from_nanos(by_ns))
            ),
        }
    }

    fn words(&self) -> String {
        let by = typed_duration(Duration::from_nanos(self.by_ns));
        format!("{} by {by}", typed_share(self.share.value()))
    }

    fn waits(&self) -> bool {
        true
    }

    fn constant_wait_ns(&self) -> Option<u64> {
        Some(self.by_ns)
    }

    fn encode(&self, rule: &mut FaultRule) {
        rule.kind = fault::REORDER;
        rule.probability = self.share.parts();
        rule.delay_ns = self.by_ns;
    }

    fn decode(rule: &FaultRule) -> Option<Self> {
        (rule.kind == fault::REORDER).then(|| Self {
            share: Share::from_parts(rule.probability),
            by_ns: rule.delay_ns,
        })
    }
}
