//! Packets are followed by a copy of themselves.

use probe_common::rule::{FaultRule, fault};

use super::{Argument, Arguments, Kind, arguments};
use crate::plan::Share;
use crate::quantity::words::typed_share;

/// Packets are followed by a copy of themselves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Duplicate {
    /// The share of packets.
    pub share: Share,
}

const AMOUNT: Argument = Argument::amount("duplicate", "SHARE", "5%");

impl Kind for Duplicate {
    const NAME: &'static str = "duplicate";
    const SUMMARY: &'static str = "packets are followed by a copy of themselves";
    const ARGUMENTS: &'static [Argument] = &[AMOUNT];

    fn read<A: Arguments>(arguments: &A) -> Result<Self, A::Error> {
        let share = arguments.needed(&AMOUNT, arguments::packets)?;
        Ok(Self { share })
    }

    fn arguments(&self) -> String {
        typed_share(self.share.value())
    }

    fn encode(&self, rule: &mut FaultRule) {
        rule.kind = fault::DUPLICATE;
        rule.probability = self.share.parts();
    }

    fn decode(rule: &FaultRule) -> Option<Self> {
        (rule.kind == fault::DUPLICATE).then(|| Self {
            share: Share::from_parts(rule.probability),
        })
    }
}
