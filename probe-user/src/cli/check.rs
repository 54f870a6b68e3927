//! `probe check`: is a scenario valid, and what would it touch right now.

use std::{fmt::Write, fs, path::PathBuf, process::ExitCode, time::Duration};

use anyhow::{Context, Result};
use serde::Serialize;

use super::{Common, Output, say, style::Paint};
use crate::{
    engine::survey::{self, Ground, Reach},
    quantity::words::typed_duration,
    report::blast::Reached,
    scenario::{FaultStep, Scenario, Step},
};

/// Validate a scenario and show what it would touch right now, touching nothing
#[derive(Debug, clap::Args)]
#[command(after_help = "\
What isn't there yet, such as a network namespace that the game day's own lab makes, is told as a
problem and is no error: the scenario is valid.

Examples:
  probe check payments-slow.toml
  probe check payments-slow.toml -o json | jq .problems

Exit codes: 0 the scenario is valid; 2 it isn't.")]
pub struct CheckArgs {
    /// The game day's file
    #[arg(value_name = "SCENARIO")]
    scenario: PathBuf,
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    file: String,
    scenario: &'a str,
    hypothesis: &'a str,
    valid: bool,
    ready: bool,
    service: Service<'a>,
    dependencies: Vec<Dependency<'a>>,
    time_box_ms: u128,
    steady_state: Steady,
    timeline: Vec<Entry<'a>>,
    ends_ms: u128,
    recovery_ms: Option<u128>,
    abort: Vec<String>,
    problems: &'a [String],
}

#[derive(Serialize)]
struct Service<'a> {
    name: &'a str,
    netns: Option<&'a str>,
    listen: Option<u16>,
    pid: Option<u32>,
    comm: Option<&'a str>,
}

#[derive(Serialize)]
struct Dependency<'a> {
    name: &'a str,
    tier: &'static str,
    to: Vec<String>,
    endpoints: Vec<String>,
    interfaces: &'a [String],
    would_touch: Option<&'a Reached>,
}

#[derive(Serialize)]
struct Steady {
    for_ms: u128,
    bounds: Vec<String>,
}

#[derive(Serialize)]
struct Entry<'a> {
    at_ms: u128,
    for_ms: Option<u128>,
    kind: &'static str,
    on: Option<&'a str>,
    direction: Option<&'static str>,
    text: String,
}

/// Runs the command.
///
/// # Errors
/// Where the scenario can't be read or isn't valid.
pub fn run(args: CheckArgs, common: &Common) -> Result<ExitCode> {
    let file = args.scenario.display().to_string();
    let source = fs::read_to_string(&args.scenario).with_context(|| {
        format!("scenario \"{file}\": reading it\nhint: name a file, as in `probe check FILE.toml`")
    })?;
    let scenario = Scenario::parse(&source, &file)?;
    let ground = survey::survey(&scenario);
    say(&match common.output {
        Output::Text => text(&scenario, &ground, common.color.on_stdout()),
        Output::Json => json(&scenario, &ground, file)? + "\n",
    })?;
    Ok(ExitCode::SUCCESS)
}

fn json(scenario: &Scenario, ground: &Ground, file: String) -> Result<String> {
    let dependencies = scenario.dependencies.iter().zip(&ground.dependencies);
    let document = Document {
        schema: "probe.check/1",
        file,
        scenario: &scenario.name,
        hypothesis: &scenario.hypothesis,
        valid: true,
        ready: ground.problems.is_empty(),
        service: Service {
            name: &scenario.service.name,
            netns: scenario.service.netns.as_deref(),
            listen: scenario.service.listen,
            pid: ground.listener.as_ref().map(|(pid, _)| *pid),
            comm: ground.listener.as_ref().map(|(_, comm)| comm.as_str()),
        },
        dependencies: dependencies
            .map(|(dependency, reach)| Dependency {
                name: &dependency.name,
                tier: dependency.tier.name(),
                to: dependency.to.iter().map(ToString::to_string).collect(),
                endpoints: reach.endpoints.iter().map(ToString::to_string).collect(),
                interfaces: &reach.interfaces,
                would_touch: reach
                    .reached
                    .as_ref()
                    .filter(|_| is_faulted(scenario, &dependency.name)),
            })
            .collect(),
        time_box_ms: scenario.time_box.as_millis(),
        steady_state: Steady {
            for_ms: scenario.steady_state.duration.as_millis(),
            bounds: steady_bounds(scenario),
        },
        timeline: in_order(scenario).into_iter().map(entry).collect(),
        ends_ms: scenario.steps_end().as_millis(),
        recovery_ms: scenario.expect.recovery.map(|it| it.limit.as_millis()),
        abort: guards(scenario),
        problems: &ground.problems,
    };
    Ok(serde_json::to_string(&document)?)
}

fn entry(step: &Step) -> Entry<'_> {
    let fault = step.fault();
    Entry {
        at_ms: step.at.as_millis(),
        for_ms: fault.map(|fault| fault.duration.as_millis()),
        kind: if fault.is_some() { "fault" } else { "run" },
        on: fault.map(|fault| fault.on.as_str()),
        direction: fault.map(|fault| fault.fault.direction_name(fault.direction)),
        text: fault.map_or_else(|| step.label(), FaultStep::words),
    }
}

/// Whether a step of the scenario faults a dependency.
fn is_faulted(scenario: &Scenario, dependency: &str) -> bool {
    let mut faults = scenario.steps.iter().filter_map(Step::fault);
    faults.any(|fault| fault.is_on(dependency))
}

/// Steps in the order in which they begin.
fn in_order(scenario: &Scenario) -> Vec<&Step> {
    let mut steps: Vec<_> = scenario.steps.iter().collect();
    steps.sort_by_key(|step| step.at);
    steps
}

fn text(scenario: &Scenario, ground: &Ground, color: bool) -> String {
    let mut text = format!("{}\n", scenario.name);
    // Writing to a String cannot fail, here and below.
    if !scenario.hypothesis.is_empty() {
        let _ = writeln!(text, "{}", Paint::Faint.text(&scenario.hypothesis, color));
    }
    let _ = writeln!(text, "\n{}", service_line(scenario, ground));
    for (dependency, reach) in scenario.dependencies.iter().zip(&ground.dependencies) {
        let _ = writeln!(
            text,
            "{:<16}{} ({})",
            dependency.name,
            reach_line(reach),
            dependency.tier.name()
        );
        if let Some(reached) = &reach.reached
            && is_faulted(scenario, &dependency.name)
        {
            let _ = writeln!(text, "{:<16}would touch: {}", "", reached.words());
        }
    }
    text += "\ntimeline, from the end of the steady state\n";
    let _ = writeln!(text, "{}", steady_line(scenario));
    for step in in_order(scenario) {
        let _ = writeln!(text, "{}", step_line(step, scenario.steps_end()));
    }
    let _ = writeln!(text, "{}", recovery_line(scenario));
    for guard in guards(scenario) {
        let _ = writeln!(text, "every fault ends where {guard}");
    }
    let limit = typed_duration(scenario.time_box);
    let _ = writeln!(text, "all of it ends {limit} after its beginning\n");
    for problem in &ground.problems {
        let mark = Paint::Warning.text("problem:", color);
        let _ = writeln!(text, "{mark} {problem}");
    }
    text += match ground.problems.is_empty() {
        true => "valid, and everything it names is there\n",
        false => "valid, but not everything it names is there right now\n",
    };
    text
}

fn service_line(scenario: &Scenario, ground: &Ground) -> String {
    let service = &scenario.service;
    let mut line = format!("{:<16}the service", service.name);
    if let Some(netns) = &service.netns {
        line += &format!(", in netns {netns}");
    }
    if let Some(port) = service.listen {
        line += &format!(", on port {port}");
    }
    if let Some((pid, comm)) = &ground.listener {
        line += &format!(", which is {comm} {pid}");
    }
    line
}

fn reach_line(reach: &Reach) -> String {
    let endpoints: Vec<_> = reach.endpoints.iter().map(ToString::to_string).collect();
    match (endpoints.as_slice(), reach.interfaces.as_slice()) {
        ([], _) => "not found".to_owned(),
        (endpoints, []) => endpoints.join(", "),
        (endpoints, interfaces) => {
            format!("{} via {}", endpoints.join(", "), interfaces.join(", "))
        }
    }
}

/// What has to hold before the first step.
fn steady_line(scenario: &Scenario) -> String {
    let lasting = format!("for {}", typed_duration(scenario.steady_state.duration));
    let bounds = steady_bounds(scenario).join(", ");
    format!("{:>7} {lasting:<10}steady state: {bounds}", "before")
}

/// What is waited for behind the last one.
fn recovery_line(scenario: &Scenario) -> String {
    let end = typed_duration(scenario.steps_end());
    let within = match &scenario.expect.recovery {
        Some(bound) => format!(", within {}", typed_duration(bound.limit)),
        None => String::new(),
    };
    format!("{end:>7} {:<10}the steady state again{within}", "after")
}

fn steady_bounds(scenario: &Scenario) -> Vec<String> {
    let steady = &scenario.steady_state;
    let rate = steady.success_rate.map(|it| format!("success_rate {it}"));
    let p99 = steady.p99.map(|it| format!("p99 {it}"));
    [rate, p99].into_iter().flatten().collect()
}

/// What ends every fault at once.
fn guards(scenario: &Scenario) -> Vec<String> {
    let abort = &scenario.abort;
    let rate = abort.success_rate.map(|it| format!("success_rate {it}"));
    let p99 = abort.p99.map(|it| format!("p99 {it}"));
    [rate, p99].into_iter().flatten().collect()
}

/// A step, and a bar that shows when it holds.
fn step_line(step: &Step, end: Duration) -> String {
    const WIDTH: f64 = 24.0;
    let place = |at: Duration| match end.is_zero() {
        true => 0,
        false => (at.as_secs_f64() / end.as_secs_f64() * WIDTH).round() as usize,
    };
    let (from, to) = (place(step.at), place(step.end()));
    let bar = match step.fault() {
        Some(_) => "█".repeat((to - from).max(1)),
        None => "▸".to_owned(),
    };
    let bar = format!("{}{bar}", " ".repeat(from));
    let lasting = match step.fault() {
        Some(fault) => format!("for {}", typed_duration(fault.duration)),
        None => "run".to_owned(),
    };
    format!(
        "{:>7} {lasting:<10}{bar:<26}{}",
        typed_duration(step.at),
        step.label()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCENARIO: &str = r#"
        name = "slow"
        [service]
        listen = 8080
        netns = "no-such-netns"
        [[dependency]]
        name = "payments"
        to = ["10.0.0.7:80"]
        [steady_state]
        for = "10s"
        success_rate = ">= 99%"
        [[step]]
        at = "5s"
        run = ["true"]
        [[step]]
        at = "0s"
        for = "10s"
        on = "payments"
        fault = "delay"
        delay = "2s"
    "#;

    #[test]
    fn the_timeline_is_in_the_order_of_time() {
        let scenario = Scenario::parse(SCENARIO, "slow.toml").unwrap();
        let ground = survey::survey(&scenario);
        let text = text(&scenario, &ground, false);
        let fault = text.find("payments · delay 2s").unwrap();
        let command = text.find("5s run").unwrap();
        assert!(fault < command, "{text}");
        let before = text.find("before for 10s   steady state: success_rate >= 99%");
        assert!(before.is_some_and(|it| it < fault), "{text}");
        let again = "10s after     the steady state again";
        assert!(text.contains(again), "{text}");
        assert!(text.contains("valid, but not everything it names is there"));
    }

    #[test]
    fn json_is_valid_but_not_ready_where_the_namespace_is_missing() {
        let scenario = Scenario::parse(SCENARIO, "slow.toml").unwrap();
        let ground = survey::survey(&scenario);
        let json = json(&scenario, &ground, "slow.toml".into()).unwrap();
        assert!(json.starts_with(
            r#"{"schema":"probe.check/1","file":"slow.toml","scenario":"slow","hypothesis":"","valid":true,"ready":false,"#
        ));
        assert!(
            json.contains(r#""steady_state":{"for_ms":10000,"bounds":["success_rate >= 99%"]},"#)
        );
        assert!(json.contains(
            r#""timeline":[{"at_ms":0,"for_ms":10000,"kind":"fault","on":"payments","direction":"egress","text":"delay 2s"}"#
        ), "{json}");
        let document = serde_json::from_str(&json).unwrap();
        let complaints = crate::report::schema::tests::complaints("check", &document);
        assert_eq!(complaints, [""; 0]);
    }
}
