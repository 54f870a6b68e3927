//! Processes stop where they are, and go on at the end: they hang, while the kernel answers for
//! them.

use probe_common::rule::{FaultRule, fault};

use super::{Argument, Arguments, Kind};
use crate::plan::Direction;

/// Processes are stopped.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pause;

impl Kind for Pause {
    const NAME: &'static str = "pause";
    const SUMMARY: &'static str = "the processes of --process or --cgroup hang";
    const ARGUMENTS: &'static [Argument] = &[];
    const DEFAULT_DIRECTION: Direction = Direction::Both;
    const GROWS: bool = false;
    const ON_PROCESSES: bool = true;

    fn read<A: Arguments>(_arguments: &A) -> Result<Self, A::Error> {
        Ok(Self)
    }

    fn arguments(&self) -> String {
        String::new()
    }

    fn encode(&self, rule: &mut FaultRule) {
        rule.kind = fault::PAUSE;
    }

    fn decode(rule: &FaultRule) -> Option<Self> {
        (rule.kind == fault::PAUSE).then_some(Self)
    }
}
