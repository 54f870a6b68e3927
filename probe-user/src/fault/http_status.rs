//! The status of plain HTTP/1 answers is rewritten.

use probe_common::rule::{FaultRule, fault};

use super::{Argument, Arguments, Kind, arguments};
use crate::mistake::Mistake;
use crate::plan::{Direction, Share};
use crate::quantity::parse_count;
use crate::quantity::words::typed_share;

/// The status of plain HTTP/1 answers is rewritten.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HttpStatus {
    /// What it becomes.
    pub status: u32,
    /// The share of answers.
    pub share: Share,
}

const STATUS: Argument = Argument::amount("status", "STATUS", "503").number();
const SHARE: Argument = Argument::amount("share", "SHARE", "20%");

impl Kind for HttpStatus {
    const NAME: &'static str = "http-status";
    const SUMMARY: &'static str = "plain HTTP/1 answers get another status [default: 100%]";
    const ARGUMENTS: &'static [Argument] = &[STATUS, SHARE];
    // Where answers come from.
    const DEFAULT_DIRECTION: Direction = Direction::Ingress;

    fn read<A: Arguments>(arguments: &A) -> Result<Self, A::Error> {
        let share = arguments.read(&SHARE, arguments::packets)?;
        Ok(Self {
            status: arguments.needed(&STATUS, status)?,
            share: share.unwrap_or(Share::ALL),
        })
    }

    fn arguments(&self) -> String {
        match self.share {
            Share::ALL => self.status.to_string(),
            share => format!("{} {}", self.status, typed_share(share.value())),
        }
    }

    fn encode(&self, rule: &mut FaultRule) {
        rule.kind = fault::HTTP_STATUS;
        rule.status = self.status;
        rule.probability = self.share.parts();
    }

    fn decode(rule: &FaultRule) -> Option<Self> {
        (rule.kind == fault::HTTP_STATUS).then(|| Self {
            status: rule.status,
            share: Share::from_parts(rule.probability),
        })
    }
}

/// Reads a status that an answer with a body can have: the body stays.
fn status(text: &str) -> Result<u32, Mistake> {
    match parse_count(text)? {
        204 | 304 => Err(Mistake::new(format!(
            "{text} says that there is no body, and there may be one"
        ))
        .hint("write 503, or another status that can have a body")),
        status @ 200..=599 => Ok(status as u32),
        _ => Err(Mistake::new(format!("{text} is no status of an answer"))
            .hint("write 503, or another from 200 to 599")),
    }
}
