//! What came of one injection: as `probe.inject/1` and as a small table.

use std::fmt::Write;
use std::time::Duration;

use serde::Serialize;

use crate::fault::{Fault, Modifiers};
use crate::plan::{Direction, Endpoint};
use crate::quantity::words;
use crate::verdict::FaultCounters;

/// Why an injection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EndedBy {
    /// Its time was over.
    Deadline,
    /// There was nothing more to do: why.
    Done(&'static str),
    /// A person stopped it: how.
    Operator(&'static str),
    /// It could not go on: why.
    Guard(String),
}

impl EndedBy {
    /// Its name in JSON.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Deadline | Self::Done(_) => "deadline",
            Self::Operator(_) => "operator",
            Self::Guard(_) => "guard",
        }
    }

    /// The same in words.
    pub fn reason(&self) -> &str {
        match self {
            Self::Deadline => "its time was over",
            Self::Operator(how) | Self::Done(how) => how,
            Self::Guard(why) => why,
        }
    }
}

/// How long packets were to wait and how long they did; microseconds, all zero where none did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Waited {
    /// Median of what was asked.
    pub requested_p50: u64,
    /// Median of what came of it.
    pub measured_p50: u64,
    /// What all but one in a hundred waited at most.
    pub measured_p99: u64,
}

/// One injection, over.
#[derive(Clone, Debug, PartialEq)]
pub struct Injection {
    /// What happened to packets.
    pub fault: Fault,
    /// When it was how large, and how much of the traffic it might touch.
    pub modifiers: Modifiers,
    /// Seed of its decisions.
    pub seed: u64,
    /// How long it was to hold.
    pub duration: Duration,
    /// How long it held.
    pub held: Duration,
    /// To packets to and from where.
    pub endpoints: Vec<Endpoint>,
    /// In which direction.
    pub direction: Direction,
    /// Whose, where that was somebody in particular.
    pub near: Option<String>,
    /// In which network namespace, as it was named.
    pub netns: String,
    /// On which interfaces.
    pub interfaces: Vec<String>,
    /// Where delayed packets waited: "userspace", or "none" where none had to.
    pub delay_backend: &'static str,
    /// What became of packets.
    pub counters: FaultCounters,
    /// How long they waited.
    pub waited: Waited,
    /// Why it ended.
    pub ended_by: EndedBy,
    /// Processes that got a signal and were there still at the end.
    pub survivors: Vec<String>,
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    fault: FaultWords,
    seed: u64,
    duration_ms: u64,
    delay_backend: &'a str,
    counters: FaultCounters,
    delay_us: Waited,
    verdict: &'static str,
    ended_by: &'static str,
    reason: &'a str,
    held_ms: u64,
    endpoints: Vec<String>,
    direction: &'static str,
    netns: &'a str,
    interfaces: &'a [String],
    near: Option<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    survivors: &'a [String],
}

#[derive(Serialize)]
struct FaultWords {
    kind: &'static str,
    args: String,
    modifiers: String,
}

impl Injection {
    /// Whether it touched anything.
    pub fn is_effective(&self) -> bool {
        self.counters.touched() > 0
    }

    /// What the process exits with.
    pub fn exit_code(&self) -> u8 {
        match self.ended_by {
            EndedBy::Operator(_) | EndedBy::Guard(_) => 3,
            EndedBy::Deadline | EndedBy::Done(_) if self.is_effective() => 0,
            EndedBy::Deadline | EndedBy::Done(_) => 4,
        }
    }

    /// As one JSON document, without a newline at its end.
    pub fn json(&self) -> String {
        let document = Document {
            schema: "probe.inject/1",
            fault: FaultWords {
                kind: self.fault.kind(),
                args: self.fault.arguments(),
                modifiers: self.modifiers.arguments(),
            },
            seed: self.seed,
            duration_ms: milliseconds(self.duration),
            delay_backend: self.delay_backend,
            counters: self.counters,
            delay_us: self.waited,
            verdict: self.verdict(),
            ended_by: self.ended_by.name(),
            reason: self.ended_by.reason(),
            held_ms: milliseconds(self.held),
            endpoints: self.endpoints.iter().map(Endpoint::to_string).collect(),
            direction: self.fault.direction_name(self.direction),
            netns: &self.netns,
            interfaces: &self.interfaces,
            near: self.near.as_deref(),
            survivors: &self.survivors,
        };
        // Nothing in it can fail to serialize: keys are text, and there are no floats.
        serde_json::to_string(&document).unwrap_or_default()
    }

    /// As a small table, a newline at its end.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let mut row = |name: &str, value: String| {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{name:<11}{value}");
        };
        row("fault", self.what());
        row("ended", self.ending());
        let what = match () {
            () if self.fault.is_on_processes() => "processes",
            () if self.fault.is_at_connect() => "connects",
            () => "packets",
        };
        row(what, self.packets());
        if !self.survivors.is_empty() {
            row("survived", self.survivors.join(", "));
        }
        if self.waited != Waited::default() {
            let time = |us| words::duration(Duration::from_micros(us), 3);
            let Waited {
                requested_p50,
                measured_p50,
                measured_p99,
            } = self.waited;
            row(
                "waited",
                format!(
                    "{} median, {} p99 ({} asked)",
                    time(measured_p50),
                    time(measured_p99),
                    time(requested_p50)
                ),
            );
        }
        row("verdict", self.verdict().to_owned());
        text
    }

    /// Why nothing was touched, and what to do about it; `None` where something was.
    pub fn why_ineffective(&self) -> Option<(String, &'static str)> {
        let c = &self.counters;
        if self.is_effective() {
            return None;
        }
        let seen = c.seen;
        if self.fault.is_on_processes() {
            return Some(self.why_no_process());
        }
        if self.fault.is_at_connect() {
            return Some(self.why_no_attempt());
        }
        Some(if c.errors > 0 {
            (
                format!("{} of {seen} packets could not be faulted", c.errors),
                "run again with -v, and see `probe doctor`",
            )
        } else if seen == 0 {
            let way = match self.direction {
                Direction::Egress => "to",
                Direction::Ingress => "from",
                Direction::Both => "to or from",
            };
            let near = self.near.as_ref();
            (
                format!(
                    "no packet {way} {}{} passed {} in {}",
                    list(&self.endpoints),
                    near.map(|near| format!(" of {near}")).unwrap_or_default(),
                    self.interfaces.join(", "),
                    words::duration(self.held, 1)
                ),
                "see whether anything calls it meanwhile, and that --netns, --interface, --proto \
                 and --direction fit",
            )
        } else if c.protected == seen {
            (
                format!("all {seen} packets seen are on the list of what is never faulted"),
                "`probe doctor` shows the list, --unprotect takes something off it",
            )
        } else if c.matched == 0 {
            (
                format!("its modifiers spared all {seen} packets seen"),
                "ask for a larger --percent-of-flows, or a longer time in --pulse",
            )
        } else {
            (
                format!("chance spared all {seen} packets seen"),
                "ask for a larger share or a longer time, or try another --seed",
            )
        })
    }

    /// The same, of a fault that is about connect().
    fn why_no_attempt(&self) -> (String, &'static str) {
        let seen = self.counters.seen;
        if seen == 0 {
            return (
                format!(
                    "{} connected to {} in {}",
                    match &self.near {
                        Some(near) => format!("none of {near}"),
                        None => "nobody".to_owned(),
                    },
                    list(&self.endpoints),
                    words::duration(self.held, 1)
                ),
                "connections that are open already are left alone: see whether new ones are made \
                 meanwhile, and that --netns and --proto fit",
            );
        }
        match self.fault.limit() {
            Some(limit) => (
                format!("of {seen} connections made, none was beyond {limit} at once"),
                "ask for a lower limit",
            ),
            None => (
                format!("its modifiers spared all {seen} connections made"),
                "ask for a larger --percent-of-flows, or a longer time in --pulse",
            ),
        }
    }

    /// The same, of a fault that acts on processes.
    fn why_no_process(&self) -> (String, &'static str) {
        let c = &self.counters;
        match (self.fault.signal(), c.errors) {
            (Some(_), 0) => (
                format!("none of {} processes ended by it", c.matched),
                "they may ignore or handle SIGTERM: --signal KILL can't be ignored",
            ),
            (None, 0) => (
                format!(
                    "all {} processes were stopped by somebody else, or have ended",
                    c.matched
                ),
                "processes that are stopped already are left alone: continue them first",
            ),
            (_, errors) => (
                format!("{errors} of {} processes could not be acted on", c.matched),
                "run again with -v: another security module may forbid it",
            ),
        }
    }

    fn verdict(&self) -> &'static str {
        if self.is_effective() {
            "effective"
        } else {
            "ineffective"
        }
    }

    fn what(&self) -> String {
        let near = self.near.as_ref();
        if let Some(near) = near.filter(|_| self.fault.is_on_processes()) {
            return format!("{}{} of {near}", self.fault, self.modifiers);
        }
        format!(
            "{}{} on {} ({}){}",
            self.fault,
            self.modifiers,
            list(&self.endpoints),
            self.direction.name(),
            near.map(|near| format!(" of {near}")).unwrap_or_default()
        )
    }

    fn ending(&self) -> String {
        let held = words::duration(self.held, 1);
        format!("after {held}: {}", self.ended_by.reason())
    }

    /// Counters that aren't zero, and `seen`, which tells most where it is.
    fn packets(&self) -> String {
        let c = &self.counters;
        let mut text = format!("{} seen", c.seen);
        for (count, name) in [
            (c.delayed, "delayed"),
            (c.dropped, "dropped"),
            (c.corrupted, "corrupted"),
            (c.duplicated, "duplicated"),
            (c.reordered, "reordered"),
            (c.refused, "refused"),
            (c.reset, "reset"),
            (c.rewritten, "rewritten or answered"),
            (c.paused, "paused"),
            (c.killed, "killed"),
            (c.passed, "left alone"),
            (c.protected, "protected"),
            (c.overflow, "lost for want of room"),
            (c.errors, "could not be faulted"),
        ] {
            if count > 0 {
                let _ = write!(text, " · {count} {name}");
            }
        }
        text
    }
}

/// The first few endpoints, and how many more there are.
pub fn list(endpoints: &[Endpoint]) -> String {
    const SHOWN: usize = 3;
    let shown: Vec<_> = endpoints
        .iter()
        .take(SHOWN)
        .map(Endpoint::to_string)
        .collect();
    match endpoints.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
pub(super) mod tests;
