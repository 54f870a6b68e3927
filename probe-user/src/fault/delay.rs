//! Packets wait.

use std::time::Duration;

use probe_common::rule::{FaultRule, distribution, fault};

use super::{About, Argument, Arguments, Kind, arguments};
use crate::mistake::Mistake;
use crate::plan::Share;
use crate::quantity::words::{typed_duration, typed_share};

/// Packets wait.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Delay {
    /// How long.
    pub delay_ns: u64,
    /// How far that is spread; zero for not at all.
    pub jitter_ns: u64,
    /// How it is spread.
    pub distribution: Distribution,
    /// How much of one packet's jitter is that of the one before.
    pub correlation: Share,
}

/// How jitter is spread around the delay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distribution {
    /// Evenly over ± jitter.
    Uniform,
    /// Normally, jitter being the standard deviation.
    Normal,
    /// By a Pareto distribution of shape 3.
    Pareto,
    /// A quarter normal, three quarters Pareto.
    ParetoNormal,
}

const AMOUNT: Argument = Argument::amount("delay", "DURATION", "200ms");
const JITTER: Argument = Argument::option(
    "jitter",
    "DURATION",
    "50ms",
    "how far the delay is spread; order inside a flow is kept",
);
const DISTRIBUTION: Argument = Argument::option(
    "distribution",
    "NAME",
    "normal",
    "how jitter is spread: uniform, normal, pareto or paretonormal [default: uniform]",
);
const CORRELATION: Argument = Argument::option(
    "correlation",
    "SHARE",
    "25%",
    "how much of a packet's luck is that of the one before",
);
const DISTRIBUTIONS: [(&str, Distribution); 4] = [
    ("uniform", Distribution::Uniform),
    ("normal", Distribution::Normal),
    ("pareto", Distribution::Pareto),
    ("paretonormal", Distribution::ParetoNormal),
];

impl Kind for Delay {
    const NAME: &'static str = "delay";
    const SUMMARY: &'static str = "packets wait";
    const ARGUMENTS: &'static [Argument] = &[AMOUNT, JITTER, DISTRIBUTION, CORRELATION];

    fn read<A: Arguments>(arguments: &A) -> Result<Self, A::Error> {
        let delay_ns = arguments.needed(&AMOUNT, arguments::wait)?;
        arguments.refuse_without(&DISTRIBUTION, &JITTER)?;
        arguments.refuse_without(&CORRELATION, &JITTER)?;
        let jitter_ns = arguments.read(&JITTER, arguments::wait)?.unwrap_or(0);
        if jitter_ns > delay_ns {
            let mistake = Mistake::new("is more than the delay itself")
                .hint("no packet can arrive before it was sent");
            return Err(arguments.error(About::Argument(&JITTER), mistake));
        }
        let distribution = arguments.read(&DISTRIBUTION, |text| {
            arguments::choice(&DISTRIBUTIONS, text)
        })?;
        let correlation = arguments.read(&CORRELATION, arguments::correlation)?;
        Ok(Self {
            delay_ns,
            jitter_ns,
            distribution: distribution.unwrap_or(Distribution::Uniform),
            correlation: correlation.unwrap_or(Share::NONE),
        })
    }

    fn arguments(&self) -> String {
        self.told(" --jitter ", " --distribution ", " --correlation ")
    }

    fn words(&self) -> String {
        self.told(" ±", " ", ", correlation ")
    }

    fn waits(&self) -> bool {
        true
    }

    fn constant_wait_ns(&self) -> Option<u64> {
        (self.jitter_ns == 0).then_some(self.delay_ns)
    }

    fn encode(&self, rule: &mut FaultRule) {
        rule.kind = fault::DELAY;
        rule.delay_ns = self.delay_ns;
        rule.jitter_ns = self.jitter_ns;
        rule.distribution = self.distribution.number();
        rule.correlation = self.correlation.parts();
    }

    fn decode(rule: &FaultRule) -> Option<Self> {
        if rule.kind != fault::DELAY {
            return None;
        }
        let mut distributions = DISTRIBUTIONS.iter().map(|(_, it)| *it);
        Some(Self {
            delay_ns: rule.delay_ns,
            jitter_ns: rule.jitter_ns,
            distribution: distributions.find(|it| it.number() == rule.distribution)?,
            correlation: Share::from_parts(rule.correlation),
        })
    }
}

impl Delay {
    /// Packets wait equally long.
    pub fn of(delay_ns: u64) -> Self {
        Self {
            delay_ns,
            jitter_ns: 0,
            distribution: Distribution::Uniform,
            correlation: Share::NONE,
        }
    }

    /// Its arguments, those that say something, with what stands before each.
    fn told(&self, jitter: &str, distribution: &str, correlation: &str) -> String {
        let time = |ns| typed_duration(Duration::from_nanos(ns));
        let mut text = time(self.delay_ns);
        if self.jitter_ns > 0 {
            text += &format!("{jitter}{}", time(self.jitter_ns));
        }
        if self.distribution != Distribution::Uniform {
            let name = arguments::word(&DISTRIBUTIONS, &self.distribution);
            text += &format!("{distribution}{name}");
        }
        if self.correlation != Share::NONE {
            text += &format!("{correlation}{}", typed_share(self.correlation.value()));
        }
        text
    }
}

impl Distribution {
    fn number(self) -> u32 {
        match self {
            Self::Uniform => distribution::UNIFORM,
            Self::Normal => distribution::NORMAL,
            Self::Pareto => distribution::PARETO,
            Self::ParetoNormal => distribution::PARETO_NORMAL,
        }
    }
}
