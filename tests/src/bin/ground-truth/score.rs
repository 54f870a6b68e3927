//! How what was said compares with what is true.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::Value;
use tests::pattern::PATTERNS;

use crate::case::Case;

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

/// The score of one pattern.
#[derive(Clone, Copy, Debug, Default)]
struct Score {
    hits: u32,
    misses: u32,
    false_alarms: u32,
    rejections: u32,
}

/// All scores.
#[derive(Debug, Default)]
pub struct Board {
    patterns: BTreeMap<&'static str, Score>,
    /// Right, of.
    parameters: BTreeMap<&'static str, (u32, u32)>,
    runs: u32,
    failed: u32,
    /// What was said wrongly, a line each.
    pub wrong: Vec<String>,
}

impl Board {
    /// Takes in what was said of a case.
    pub fn count(&mut self, case: &Case, said: &Value) {
        self.runs += 1;
        for name in PATTERNS {
            let Some(there) = case.truth.get(name).and_then(Value::as_bool) else {
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
            if !is_right {
                let evidence = &said[name]["evidence"];
                self.wrong
                    .push(format!("{name} {verdict}: {}: {evidence}", case.name));
            } else if there {
                self.count_parameters(case, said, name);
            }
        }
    }

    fn count_parameters(&mut self, case: &Case, said: &Value, pattern: &str) {
        let of_pattern = format!("/{pattern}/");
        let its = PARAMETERS.iter().filter(|it| it.1.starts_with(&of_pattern));
        for (name, path, share, slack) in its {
            let Some(wanted) = case.truth.get(*name) else {
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
            let count = self.parameters.entry(*name).or_default();
            count.0 += u32::from(is_right);
            count.1 += 1;
            if !is_right {
                let evidence = &said[pattern]["evidence"];
                self.wrong.push(format!(
                    "{name} {found}, not {wanted}: {}: {evidence}",
                    case.name
                ));
            }
        }
    }

    /// Takes in that a case couldn't be run.
    pub fn failed(&mut self, case: &Case, error: &anyhow::Error) {
        self.failed += 1;
        self.wrong
            .push(format!("not run: {}: {error:#}", case.name));
    }

    /// As Markdown.
    pub fn table(&self) -> String {
        let mut text = format!("{} runs of labelled cases", self.runs);
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
        for (name, ..) in PARAMETERS {
            if let Some((right, of)) = self.parameters.get(name) {
                let _ = writeln!(text, "| {} | {right} of {of} |", name.replace('_', " "));
            }
        }
        text
    }
}
