//! How what was said compares with what is true.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::Value;

use super::case::{Case, Client};
use super::trial::OWN_CHANGES;
use crate::pattern::PATTERNS;

/// Names in a case's truth, where they are in what is said, and how far off they may be: as a
/// share, and by itself.
const PARAMETERS: [(&str, &str, f64, f64); 9] = [
    ("timeout_ms", "/timeout/value_ms", 0.05, 10.0),
    ("attempts", "/retry/attempts_max", 0.0, 0.0),
    ("backoff", "/retry/backoff", 0.0, 0.0),
    ("base_ms", "/retry/base_ms", 0.1, 0.0),
    ("multiplier", "/retry/multiplier", 0.1, 0.0),
    ("jitter", "/retry/jitter", 0.0, 0.0),
    ("open_ms", "/circuit_breaker/open_ms", 0.05, 0.0),
    ("limit", "/bulkhead/limit", 0.0, 0.0),
    ("alternate", "/fallback/alternate", 0.0, 0.0),
];

/// A breaker's changes of state, and how near probe has to tell them.
const TRANSITIONS: &str = "transitions";
const NEAR_MS: u64 = 250;

/// The score of one pattern.
#[derive(Clone, Copy, Debug, Default)]
struct Score {
    hits: u32,
    misses: u32,
    false_alarms: u32,
    rejections: u32,
}

/// How many are right, of how many.
#[derive(Clone, Copy, Debug, Default)]
struct Right {
    right: u32,
    of: u32,
}

impl Right {
    fn count(&mut self, is_right: bool) {
        self.right += u32::from(is_right);
        self.of += 1;
    }
}

/// All scores.
#[derive(Debug, Default)]
pub struct Board {
    patterns: BTreeMap<&'static str, Score>,
    parameters: BTreeMap<&'static str, Right>,
    /// Verdicts and parameters by seed.
    seeds: BTreeMap<u64, [Right; 2]>,
    runs: u32,
    failed: u32,
    /// What was said wrongly, a line each.
    pub wrong: Vec<String>,
}

impl Board {
    /// Takes in what was said of each client of a case, run with that seed.
    pub fn count(&mut self, case: &Case, seed: u64, said: &[Value]) {
        self.runs += 1;
        for (number, (client, said)) in case.clients.iter().zip(said).enumerate() {
            let who = match case.clients.len() {
                1 => format!("{}, seed {seed}", case.name),
                _ => format!("{}, client {}, seed {seed}", case.name, number + 1),
            };
            self.count_client(client, &who, seed, said);
        }
    }

    /// Takes in what was said of several cases.
    pub fn count_all(&mut self, cases: &[Case], seed: u64, said: &[Vec<Value>]) {
        for (case, said) in cases.iter().zip(said) {
            self.count(case, seed, said);
        }
    }

    fn count_client(&mut self, client: &Client, who: &str, seed: u64, said: &Value) {
        for name in PATTERNS {
            let Some(there) = client.truth.get(name).and_then(Value::as_bool) else {
                continue;
            };
            let verdict = said[name]["verdict"].as_str().unwrap_or("unknown");
            let score = self.patterns.entry(name).or_default();
            let is_right = there == (verdict == "observed");
            match (there, verdict == "observed") {
                (true, true) => score.hits += 1,
                (true, false) => score.misses += 1,
                (false, true) => score.false_alarms += 1,
                (false, false) => score.rejections += 1,
            }
            self.seeds.entry(seed).or_default()[0].count(is_right);
            if !is_right {
                let evidence = &said[name]["evidence"];
                self.wrong
                    .push(format!("{name} {verdict}: {who}: {evidence}"));
            } else if there {
                self.count_parameters(client, who, seed, said, name);
                if name == "circuit_breaker" {
                    self.count_changes(who, seed, said);
                }
            }
        }
    }

    /// Each change that a breaker tells of itself, against those that probe told of it.
    fn count_changes(&mut self, who: &str, seed: u64, said: &Value) {
        let changes = |of: &Value| -> Vec<(u64, String)> {
            let list = of.as_array().into_iter().flatten();
            let both = list.filter_map(|it| Some((it["at_ms"].as_u64()?, it["state"].as_str()?)));
            both.map(|(at_ms, state)| (at_ms, state.to_owned()))
                .collect()
        };
        let own = changes(&said[OWN_CHANGES]);
        let told = changes(&said["circuit_breaker"]["transitions"]);
        for (number, (at_ms, state)) in own.iter().enumerate() {
            // A clock ends the time of being open; outside shows the call that is let in then, which
            // is over before the next change.
            let until = match (&**state, own.get(number + 1)) {
                ("half_open", Some(next)) => next.0.max(*at_ms),
                ("half_open", None) => continue,
                _ => *at_ms,
            };
            let near = at_ms.saturating_sub(NEAR_MS)..=until + NEAR_MS;
            let is_right = told.iter().any(|it| it.1 == *state && near.contains(&it.0));
            self.count_parameter(TRANSITIONS, seed, is_right, || {
                format!("{TRANSITIONS}: {state} at {at_ms} ms, not told: {who}: {told:?}")
            });
        }
    }

    fn count_parameters(
        &mut self,
        client: &Client,
        who: &str,
        seed: u64,
        said: &Value,
        pattern: &str,
    ) {
        let of_pattern = format!("/{pattern}/");
        let its = PARAMETERS.iter().filter(|it| it.1.starts_with(&of_pattern));
        for (name, path, share, slack) in its {
            let Some(wanted) = client.truth.get(*name) else {
                continue;
            };
            let found = said.pointer(path).unwrap_or(&Value::Null);
            let is_right = match (wanted.as_f64(), found.as_f64(), found.as_str()) {
                (Some(wanted), Some(found), _) => {
                    (found - wanted).abs() <= (wanted * share).max(*slack)
                }
                // The port of an address.
                (Some(port), _, Some(address)) => address.ends_with(&format!(":{port}")),
                _ => wanted == found,
            };
            self.count_parameter(name, seed, is_right, || {
                let evidence = &said[pattern]["evidence"];
                format!("{name} {found}, not {wanted}: {who}: {evidence}")
            });
        }
    }

    fn count_parameter(
        &mut self,
        name: &'static str,
        seed: u64,
        is_right: bool,
        wrong: impl FnOnce() -> String,
    ) {
        self.parameters.entry(name).or_default().count(is_right);
        self.seeds.entry(seed).or_default()[1].count(is_right);
        if !is_right {
            self.wrong.push(wrong());
        }
    }

    /// Takes in that a case couldn't be run.
    pub fn failed(&mut self, case: &Case, seed: u64, error: &anyhow::Error) {
        self.failed += 1;
        let name = &case.name;
        self.wrong
            .push(format!("not run: {name}, seed {seed}: {error:#}"));
    }

    /// What is right with each seed, a line each; empty where there is but one.
    pub fn by_seed(&self) -> String {
        let mut text = String::new();
        if self.seeds.len() > 1 {
            text += "| seed | verdicts right | parameters right |\n|---|---|---|\n";
            for (seed, [verdicts, parameters]) in &self.seeds {
                let (verdicts, parameters) = (of(verdicts), of(parameters));
                let _ = writeln!(text, "| {seed} | {verdicts} | {parameters} |");
            }
        }
        text
    }

    /// As Markdown.
    pub fn table(&self) -> String {
        let mut text = format!("{} runs of labelled cases", self.runs);
        if self.seeds.len() > 1 {
            let _ = write!(text, " with {} seeds", self.seeds.len());
        }
        if self.failed > 0 {
            let _ = write!(text, ", {} more could not be run", self.failed);
        }
        text += ".\n\n| pattern | precision | recall | with it, without |\n|---|---|---|---|\n";
        let share = |part: u32, whole: u32| match whole {
            0 => "–".to_owned(),
            whole => format!("{:.3}", f64::from(part) / f64::from(whole)),
        };
        for name in PATTERNS {
            let it = self.patterns.get(name).copied().unwrap_or_default();
            let _ = writeln!(
                text,
                "| {} | {} | {} | {}, {} |",
                name.replace('_', " "),
                share(it.hits, it.hits + it.false_alarms),
                share(it.hits, it.hits + it.misses),
                it.hits + it.misses,
                it.false_alarms + it.rejections,
            );
        }
        text += "\n| parameter | right |\n|---|---|\n";
        for name in PARAMETERS.map(|it| it.0).into_iter().chain([TRANSITIONS]) {
            if let Some(right) = self.parameters.get(name) {
                let _ = writeln!(text, "| {} | {} |", name.replace('_', " "), of(right));
            }
        }
        text
    }
}

fn of(it: &Right) -> String {
    format!("{} of {}", it.right, it.of)
}
