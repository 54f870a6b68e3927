//! TCP connections are reset, at both ends.

use probe_common::rule::{FaultRule, fault};

use super::{Argument, Arguments, Kind, arguments};
use crate::plan::Share;
use crate::quantity::words::typed_share;

/// TCP connections are reset, at both ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reset {
    /// The share of packets that bring it about.
    pub share: Share,
}

const AMOUNT: Argument = Argument::amount("reset", "SHARE", "10%");

impl Kind for Reset {
    const NAME: &'static str = "reset";
    const SUMMARY: &'static str = "packets reset their TCP connection at both ends [default: 100%]";
    const ARGUMENTS: &'static [Argument] = &[AMOUNT];

    fn read<A: Arguments>(arguments: &A) -> Result<Self, A::Error> {
        let share = arguments.read(&AMOUNT, arguments::packets)?;
        Ok(Self {
            share: share.unwrap_or(Share::ALL),
        })
    }

    fn arguments(&self) -> String {
        match self.share {
            Share::ALL => String::new(),
            share => typed_share(share.value()),
        }
    }

    fn turns_back(&self) -> bool {
        true
    }

    fn encode(&self, rule: &mut FaultRule) {
        rule.kind = fault::RESET;
        rule.probability = self.share.parts();
    }

    fn decode(rule: &FaultRule) -> Option<Self> {
        (rule.kind == fault::RESET).then(|| Self {
            share: Share::from_parts(rule.probability),
        })
    }
}
