//! What any fault can be told besides its own arguments: when it is how large, and how much of
//! the traffic it may touch.

use std::fmt;
use std::time::Duration;

use probe_common::rule::{FaultRule, only};

use super::{About, Argument, Arguments, Fault, arguments};
use crate::mistake::Mistake;
use crate::plan::Share;
use crate::quantity::words::{typed_duration, typed_share};
use crate::quantity::{parse_count, parse_duration, parse_share};

/// When a fault is how large, and how much of the traffic it may touch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Modifiers {
    /// How long it takes to grow to its full size; zero for at once.
    pub ramp_ns: u64,
    /// For how long it holds and then pauses, again and again; `None` for all the time.
    pub pulse: Option<Pulse>,
    /// Share of the connections; each is touched from its beginning to its end, or not at all.
    pub flows: Share,
    /// Touch no more packets than this; `None` for no limit.
    pub max_packets: Option<u64>,
    /// Which connections, by when they began.
    pub only: Only,
    /// Touch no more connections than this; `None` for no limit.
    pub max_flows: Option<u64>,
}

/// Connections, by when they began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Only {
    /// Whenever.
    #[default]
    All,
    /// While the fault holds.
    New,
    /// Before it came to hold.
    Established,
}

const ONLIES: [(&str, Only); 2] = [("new", Only::New), ("established", Only::Established)];

/// A fault that comes and goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pulse {
    /// For how long it holds.
    pub on_ns: u64,
    /// For how long it then pauses.
    pub off_ns: u64,
}

impl Default for Modifiers {
    /// In full, all the time, on everything.
    fn default() -> Self {
        Self {
            ramp_ns: 0,
            pulse: None,
            flows: Share::ALL,
            max_packets: None,
            only: Only::All,
            max_flows: None,
        }
    }
}

const RAMP: Argument = Argument::option(
    "ramp",
    "DURATION",
    "30s",
    "Let the fault grow from nothing to its full size",
);
const PULSE: Argument = Argument::option(
    "pulse",
    "ON/OFF",
    "5s/5s",
    "Let the fault hold and pause, again and again",
);
const PERCENT_OF_FLOWS: Argument = Argument::option(
    "percent-of-flows",
    "SHARE",
    "30%",
    "Touch only this share of the connections, each in whole and both ways",
);
const MAX_PACKETS: Argument =
    Argument::option("max-packets", "N", "100", "Touch no more packets than this").number();

const ONLY: Argument = Argument::option(
    "only",
    "new|established",
    "new",
    "Touch only connections that begin while the fault holds, or only those from before",
);
const MAX_FLOWS: Argument = Argument::option(
    "max-flows",
    "N",
    "10",
    "Touch no more connections than this, the first ones that it meets",
)
.number();

/// The longest of these times, in nanoseconds: an hour. Reckoning in the kernel is exact up to
/// there.
const LONGEST_NS: u64 = 3_600_000_000_000;

impl Modifiers {
    /// Each of them.
    pub const ARGUMENTS: &'static [Argument] =
        &[RAMP, PULSE, PERCENT_OF_FLOWS, MAX_PACKETS, MAX_FLOWS, ONLY];

    /// Reads those that are given for a fault.
    ///
    /// # Errors
    /// Where one is not what it has to be, or the fault can't do it.
    pub fn read<A: Arguments>(fault: &Fault, arguments: &A) -> Result<Self, A::Error> {
        if fault.is_on_processes() {
            refuse_what_is_about_packets(fault, arguments)?;
        }
        let ramp_ns = arguments.read(&RAMP, some_time)?;
        if ramp_ns.is_some() && !fault.grows() {
            let mistake = Mistake::new("there is no less and more of this fault");
            return Err(arguments.error(
                About::Argument(&RAMP),
                mistake.hint("loss 100% can grow over a ramp"),
            ));
        }
        let flows = arguments.read(&PERCENT_OF_FLOWS, |text| match parse_share(text)? {
            share if share.parts() == 0 => {
                Err(Mistake::new(format!("{text} would touch no connection")))
            }
            share => Ok(share),
        })?;
        let max_packets = arguments.read(&MAX_PACKETS, |text| match parse_count(text)? {
            0 => Err(Mistake::new("0 would touch no packet").hint("write 1 or more")),
            count => Ok(count),
        })?;
        let only = arguments.read(&ONLY, Only::parse)?;
        if only.is_some() && fault.is_at_connect() {
            let mistake = Mistake::new("every connection is new when it is made");
            return Err(arguments.error(About::Argument(&ONLY), mistake.hint("leave it out")));
        }
        let max_flows = arguments.read(&MAX_FLOWS, |text| match parse_count(text)? {
            0 => Err(Mistake::new("0 would touch no connection").hint("write 1 or more")),
            count => Ok(count),
        })?;
        if max_flows.is_some() && fault.is_at_connect() {
            let mistake = Mistake::new("it touches each connection but once, when it is made");
            let hint = format!("write {}", arguments.written(&MAX_PACKETS));
            return Err(arguments.error(About::Argument(&MAX_FLOWS), mistake.hint(hint)));
        }
        Ok(Self {
            only: only.unwrap_or_default(),
            ramp_ns: ramp_ns.unwrap_or(0),
            pulse: arguments.read(&PULSE, Pulse::parse)?,
            flows: flows.unwrap_or(Share::ALL),
            max_packets,
            max_flows,
        })
    }

    /// As typed on a command line: "--ramp 30s --max-packets 100", or nothing.
    pub fn arguments(&self) -> String {
        let said = self.said();
        let typed = said
            .iter()
            .map(|(argument, value)| format!("--{} {value}", argument.name));
        typed.collect::<Vec<_>>().join(" ")
    }

    /// Writes them into a rule.
    pub fn encode(&self, rule: &mut FaultRule) {
        rule.ramp_ns = self.ramp_ns;
        if let Some(pulse) = self.pulse {
            rule.pulse_on_ns = pulse.on_ns;
            rule.pulse_off_ns = pulse.off_ns;
        }
        rule.flow_share = self.flows.parts();
        rule.max_packets = self.max_packets.unwrap_or(0);
        rule.only = match self.only {
            Only::All => only::ALL,
            Only::New => only::NEW,
            Only::Established => only::ESTABLISHED,
        };
        rule.max_flows = self.max_flows.unwrap_or(0);
    }

    /// Reads them from a rule.
    pub fn decode(rule: &FaultRule) -> Self {
        Self {
            ramp_ns: rule.ramp_ns,
            pulse: (rule.pulse_on_ns > 0).then_some(Pulse {
                on_ns: rule.pulse_on_ns,
                off_ns: rule.pulse_off_ns,
            }),
            flows: Share::from_parts(rule.flow_share),
            max_packets: (rule.max_packets > 0).then_some(rule.max_packets),
            only: match rule.only {
                only::NEW => Only::New,
                only::ESTABLISHED => Only::Established,
                _ => Only::All,
            },
            max_flows: (rule.max_flows > 0).then_some(rule.max_flows),
        }
    }

    /// Those that say something, as typed.
    fn said(&self) -> Vec<(Argument, String)> {
        let mut said = Vec::new();
        if self.ramp_ns > 0 {
            said.push((RAMP, typed(self.ramp_ns)));
        }
        if let Some(pulse) = self.pulse {
            let value = format!("{}/{}", typed(pulse.on_ns), typed(pulse.off_ns));
            said.push((PULSE, value));
        }
        if self.flows != Share::ALL {
            said.push((PERCENT_OF_FLOWS, typed_share(self.flows.value())));
        }
        if let Some(count) = self.max_packets {
            said.push((MAX_PACKETS, count.to_string()));
        }
        if let Some(count) = self.max_flows {
            said.push((MAX_FLOWS, count.to_string()));
        }
        if self.only != Only::All {
            said.push((ONLY, arguments::word(&ONLIES, &self.only).to_owned()));
        }
        said
    }
}

/// Processes have no packets and no connections to choose among; a signal comes once.
fn refuse_what_is_about_packets<A: Arguments>(
    fault: &Fault,
    arguments: &A,
) -> Result<(), A::Error> {
    let pulses = fault.signal().is_none();
    let refused = Modifiers::ARGUMENTS
        .iter()
        .filter(|argument| !(pulses && argument.name == PULSE.name));
    for argument in refused {
        if arguments.has(argument) {
            let mistake = match argument.name == PULSE.name {
                true => Mistake::new("each process gets the signal once"),
                false => Mistake::new("it acts on processes, not on packets or connections"),
            };
            return Err(arguments.error(About::Argument(argument), mistake.hint("leave it out")));
        }
    }
    Ok(())
}

impl Only {
    fn parse(text: &str) -> Result<Self, Mistake> {
        arguments::choice(&ONLIES, text)
    }
}

impl fmt::Display for Modifiers {
    /// As it is read behind a fault: ", ramp 30s, max packets 100", or nothing.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (argument, value) in self.said() {
            write!(f, ", {} {value}", argument.name.replace('-', " "))?;
        }
        Ok(())
    }
}

impl Pulse {
    fn parse(text: &str) -> Result<Self, Mistake> {
        let Some((on, off)) = text.split_once('/') else {
            return Err(Mistake::new(format!("\"{text}\" is not two durations"))
                .hint("write for how long it holds and pauses, as 5s/5s"));
        };
        Ok(Self {
            on_ns: some_time(on)?,
            off_ns: some_time(off)?,
        })
    }
}

/// Reads a duration: nanoseconds, not zero.
fn some_time(text: &str) -> Result<u64, Mistake> {
    match u64::try_from(parse_duration(text)?.as_nanos()) {
        Ok(0) => Err(Mistake::new(format!("{text} is no time at all"))),
        Ok(ns @ ..=LONGEST_NS) => Ok(ns),
        _ => Err(Mistake::new(format!("{text} is longer than an hour"))),
    }
}

fn typed(ns: u64) -> String {
    typed_duration(Duration::from_nanos(ns))
}
