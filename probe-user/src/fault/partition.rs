//! Every packet vanishes, in both directions: to the kernel, a blackhole both ways.

use probe_common::rule::{FaultRule, direction, fault};

use super::{Argument, Arguments, Kind};
use crate::plan::Direction;

/// Every packet vanishes, in both directions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Partition;

impl Kind for Partition {
    const NAME: &'static str = "partition";
    const SUMMARY: &'static str = "every packet vanishes, in both directions";
    const ARGUMENTS: &'static [Argument] = &[];
    const DIRECTION: Option<Direction> = Some(Direction::Both);
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
        let both = rule.direction == direction::EGRESS | direction::INGRESS;
        (rule.kind == fault::BLACKHOLE && both).then_some(Self)
    }
}
