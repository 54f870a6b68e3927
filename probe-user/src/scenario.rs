//! A game day as it is written: read from TOML, checked whole, with every mistake on its line.
//!
//! What isn't known is refused, never passed over.

use std::time::Duration;

use crate::endpoint::EndpointSpec;
use crate::fault::{Fault, Modifiers};
use crate::plan::{Direction, Protocol, Share};
use crate::quantity::{Bound, Sustained};

mod check;
pub mod error;
mod fault;
pub mod keys;
pub mod nearest;
mod patterns;
mod sections;
mod step;
mod table;
pub mod written;

pub use error::ScenarioError;
pub use patterns::{BreakerExpectation, BulkheadExpectation, PatternExpectation, RetryExpectation};

/// A game day, valid.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// Its name.
    pub name: String,
    /// What is believed; empty where nothing was written.
    pub hypothesis: String,
    /// The longest it may take in all, from its start.
    pub time_box: Duration,
    /// The system under test.
    pub service: Service,
    /// What it depends on, in the order written.
    pub dependencies: Vec<Dependency>,
    /// What has to hold before, and again after.
    pub steady_state: SteadyState,
    /// Faults and commands, in the order written.
    pub steps: Vec<Step>,
    /// What has to hold during the faults.
    pub expect: Expect,
    /// What ends every fault at once.
    pub abort: Abort,
    /// Endpoints that no fault touches, beside those that none ever does.
    pub protect: Vec<EndpointSpec>,
}

/// The system under test. At least one of its selectors is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// What it is called in reports.
    pub name: String,
    /// Port that it listens on.
    pub listen: Option<u16>,
    /// Command name or process id.
    pub process: Option<String>,
    /// Path of its cgroup.
    pub cgroup: Option<String>,
    /// Network namespace: a name, a path or `pid:N`.
    pub netns: Option<String>,
}

/// How much a service needs a dependency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    /// Not without it.
    Essential,
    /// Worse without it.
    Important,
    /// As well without it.
    Optional,
}

impl Tier {
    /// Its name, as typed.
    pub fn name(self) -> &'static str {
        match self {
            Self::Essential => "essential",
            Self::Important => "important",
            Self::Optional => "optional",
        }
    }
}

/// Something that the service calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dependency {
    /// What it is called in steps and reports.
    pub name: String,
    /// Where it is; at least one.
    pub to: Vec<EndpointSpec>,
    /// How much it is needed.
    pub tier: Tier,
}

/// What has to hold over a span for the service to be well. At least one bound is there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SteadyState {
    /// Length of the span.
    pub duration: Duration,
    /// Bound on the share of calls that are answered well.
    pub success_rate: Option<Bound<Share>>,
    /// Bound on what all but one in a hundred callers wait.
    pub p99: Option<Bound<Duration>>,
}

/// One step of the timeline.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// When it begins, from the end of the steady state.
    pub at: Duration,
    /// What it does.
    pub action: StepAction,
    /// The line it begins on.
    pub line: usize,
}

/// What a step does.
#[derive(Clone, Debug, PartialEq)]
#[expect(
    clippy::large_enum_variant,
    reason = "a scenario has few steps, and each is read once"
)]
pub enum StepAction {
    /// It injects a fault.
    Fault(FaultStep),
    /// It runs a command: the program and its arguments.
    Run(Vec<String>),
}

/// A fault on one dependency or on the service itself, for a time.
#[derive(Clone, Debug, PartialEq)]
pub struct FaultStep {
    /// Index of the dependency in [`Scenario::dependencies`]; `None` where it acts on the service's
    /// own processes.
    pub dependency: Option<usize>,
    /// Its name, or the service's.
    pub on: String,
    /// What happens to packets.
    pub fault: Fault,
    /// When it is how large, and how much of the traffic it may touch.
    pub modifiers: Modifiers,
    /// In which direction.
    pub direction: Direction,
    /// Of which transport protocol.
    pub protocol: Protocol,
    /// Where its random decisions come from; `None` for the game day's seed.
    pub seed: Option<u64>,
    /// Whether it is for the service's own traffic alone.
    pub is_near: bool,
    /// For how long.
    pub duration: Duration,
}

impl FaultStep {
    /// Whether it is on the dependency of that name.
    pub fn is_on(&self, dependency: &str) -> bool {
        self.dependency.is_some() && self.on == dependency
    }

    /// What happens, as it is read: "delay 2s ±200ms, ramp 5s".
    pub fn words(&self) -> String {
        let protocol = match self.protocol {
            Protocol::Any => "",
            Protocol::Tcp => ", TCP alone",
            Protocol::Udp => ", UDP alone",
        };
        let whose = match self.is_near && self.dependency.is_some() {
            true => ", for the service alone",
            false => "",
        };
        format!("{}{}{protocol}{whose}", self.fault, self.modifiers)
    }
}

impl Step {
    /// The fault, where the step injects one.
    pub fn fault(&self) -> Option<&FaultStep> {
        match &self.action {
            StepAction::Fault(fault) => Some(fault),
            StepAction::Run(_) => None,
        }
    }

    /// When it is over at the earliest, from the end of the steady state. A command may go on.
    pub fn end(&self) -> Duration {
        self.at + self.fault().map_or(Duration::ZERO, |fault| fault.duration)
    }

    /// What it is called: "payments · delay 2s ±200ms", "wrk -d5 http://10.0.0.2:8080/".
    pub fn label(&self) -> String {
        match &self.action {
            StepAction::Fault(step) => format!("{} · {}", step.on, step.words()),
            StepAction::Run(command) => command.join(" "),
        }
    }
}

/// What has to hold for the hypothesis to stand.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Expect {
    /// Share of the service's calls answered well during the faults.
    pub success_rate: Option<Bound<Share>>,
    /// What all but one in a hundred of the service's callers wait during the faults.
    pub p99: Option<Bound<Duration>>,
    /// Share of the service's calls that failed or broke the steady state's p99.
    pub blast_radius: Option<Bound<Share>>,
    /// From the end of the last fault to the steady state.
    pub recovery: Option<Bound<Duration>>,
    /// How many dependencies the service may have that aren't declared.
    pub undeclared_dependencies: Option<u64>,
    /// Which resilience patterns have to show.
    pub patterns: Vec<PatternExpectation>,
}

/// What ends every fault at once.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Abort {
    /// By the share of the service's calls that are answered well.
    pub success_rate: Option<Sustained<Share>>,
    /// By what all but one in a hundred of the service's callers wait.
    pub p99: Option<Sustained<Duration>>,
}

impl Scenario {
    /// Reads and checks a scenario. `file` is what mistakes are reported under.
    ///
    /// # Errors
    /// The first mistake found, with its line.
    pub fn parse(text: &str, file: &str) -> Result<Self, ScenarioError> {
        sections::read(text, file)
    }

    /// When the last step is over at the earliest, from the end of the steady state.
    pub fn steps_end(&self) -> Duration {
        self.steps.iter().map(Step::end).max().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
