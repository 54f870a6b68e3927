//! Processes get a signal, once, when the fault begins: they crash, or are told to end.

use probe_common::rule::{FaultRule, fault};

use super::{Argument, Arguments, Kind, arguments};
use crate::plan::Direction;

/// Processes get a signal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Kill {
    /// Which one.
    pub signal: Ending,
}

/// A signal that ends processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// SIGKILL: they crash.
    Kill,
    /// SIGTERM: they are told to end, and may clear up, or ignore it.
    Term,
}

impl Ending {
    /// Its number.
    pub fn number(self) -> u32 {
        match self {
            Self::Kill => 9,
            Self::Term => 15,
        }
    }
}

const SIGNALS: [(&str, Ending); 2] = [("KILL", Ending::Kill), ("TERM", Ending::Term)];

const SIGNAL: Argument = Argument::option(
    "signal",
    "TERM|KILL",
    "TERM",
    "Which signal it is: TERM lets them clear up [default: KILL]",
);

impl Kind for Kill {
    const NAME: &'static str = "kill";
    const SUMMARY: &'static str = "the processes of --process or --cgroup are killed";
    const ARGUMENTS: &'static [Argument] = &[SIGNAL];
    const DEFAULT_DIRECTION: Direction = Direction::Both;
    const GROWS: bool = false;
    const ON_PROCESSES: bool = true;

    fn read<A: Arguments>(arguments: &A) -> Result<Self, A::Error> {
        let signal = arguments.read(&SIGNAL, |text| arguments::choice(&SIGNALS, text))?;
        Ok(Self {
            signal: signal.unwrap_or(Ending::Kill),
        })
    }

    fn arguments(&self) -> String {
        match self.signal {
            Ending::Kill => String::new(),
            Ending::Term => "--signal TERM".to_owned(),
        }
    }

    fn words(&self) -> String {
        format!("with SIG{}", arguments::word(&SIGNALS, &self.signal))
    }

    fn signal(&self) -> Option<Ending> {
        Some(self.signal)
    }

    fn encode(&self, rule: &mut FaultRule) {
        rule.kind = fault::KILL;
        rule.signal = self.signal.number();
    }

    fn decode(rule: &FaultRule) -> Option<Self> {
        let signals = SIGNALS.iter().map(|(_, signal)| *signal);
        let mut fitting = signals.filter(|signal| signal.number() == rule.signal);
        let signal = fitting.next()?;
        (rule.kind == fault::KILL).then_some(Self { signal })
    }
}
