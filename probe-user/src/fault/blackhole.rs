//! Every packet vanishes.

use probe_common::rule::{FaultRule, fault};

use super::{Argument, Arguments, Kind};

/// Every packet vanishes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Blackhole;

impl Kind for Blackhole {
    const NAME: &'static str = "blackhole";
    const SUMMARY: &'static str = "every packet vanishes";
    const ARGUMENTS: &'static [Argument] = &[];
    const GROWS: bool = false;

    fn read<A: Arguments>(_arguments: &A) -> Result<Self, A::Error> {
        Ok(Self)
    }

    fn arguments(&self) -> String {
        String::new()
    }

    fn encode(&self, rule: &mut FaultRule) {
        rule.kind = fault::BLACKHOLE;
    }

    fn decode(rule: &FaultRule) -> Option<Self> {
        (rule.kind == fault::BLACKHOLE).then_some(Self)
    }
}
