//! One bit of a packet flips.

use probe_common::rule::{FaultRule, fault};

use super::{Argument, Arguments, Kind, arguments};
use crate::plan::Share;
use crate::quantity::words::typed_share;

/// One bit of a packet flips.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Corrupt {
    /// The share of packets.
    pub share: Share,
    /// Who is to notice.
    pub mode: Mode,
}

/// Whether a corrupted packet is to be noticed by the receiver's stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The checksum no longer fits: the stack must reject it.
    Wire,
    /// The checksum is made to fit: the application gets it.
    Payload,
}

const AMOUNT: Argument = Argument::amount("corrupt", "SHARE", "5%");
const MODE: Argument = Argument::option(
    "mode",
    "wire|payload",
    "payload",
    "wire: the receiver's stack notices it, payload: the application gets it [default: wire]",
);
const MODES: [(&str, Mode); 2] = [("wire", Mode::Wire), ("payload", Mode::Payload)];

impl Kind for Corrupt {
    const NAME: &'static str = "corrupt";
    const SUMMARY: &'static str = "a bit of a packet flips";
    const ARGUMENTS: &'static [Argument] = &[AMOUNT, MODE];

    fn read<A: Arguments>(arguments: &A) -> Result<Self, A::Error> {
        let share = arguments.needed(&AMOUNT, arguments::packets)?;
        let mode = arguments.read(&MODE, |text| arguments::choice(&MODES, text))?;
        Ok(Self {
            share,
            mode: mode.unwrap_or(Mode::Wire),
        })
    }

    fn arguments(&self) -> String {
        let share = typed_share(self.share.value());
        match self.mode {
            Mode::Wire => share,
            Mode::Payload => format!("{share} --mode payload"),
        }
    }

    fn words(&self) -> String {
        self.arguments().replace("--mode ", "")
    }

    fn needs_line(&self) -> bool {
        self.mode == Mode::Wire
    }

    fn encode(&self, rule: &mut FaultRule) {
        rule.kind = match self.mode {
            Mode::Wire => fault::CORRUPT_WIRE,
            Mode::Payload => fault::CORRUPT_PAYLOAD,
        };
        rule.probability = self.share.parts();
    }

    fn decode(rule: &FaultRule) -> Option<Self> {
        let mode = match rule.kind {
            fault::CORRUPT_WIRE => Mode::Wire,
            fault::CORRUPT_PAYLOAD => Mode::Payload,
            _ => return None,
        };
        Some(Self {
            share: Share::from_parts(rule.probability),
            mode,
        })
    }
}
