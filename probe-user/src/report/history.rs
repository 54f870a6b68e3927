//! Past game days side by side: how many passed, how long recovery took, what got worse.

use serde::Serialize;
use serde_json::Value;

use crate::quantity::words;

mod told;
mod worse;

pub use told::text;

/// One past game day, as its verdict tells.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Run {
    /// Where it was read.
    pub file: String,
    /// When it began: "2026-11-21T20:29:08Z"; empty where that isn't known.
    pub began: String,
    /// Its verdict.
    pub verdict: String,
    /// See the verdict's metrics.
    pub availability: Option<f64>,
    /// See the verdict's metrics.
    pub blast_radius: Option<f64>,
    /// See the verdict's metrics.
    pub time_to_detect_ms: Option<u64>,
    /// See the verdict's metrics.
    pub time_to_recover_ms: Option<u64>,
    /// While faults held.
    pub p99_us: Option<u64>,
    /// Expectations that were met: "p99 of shop: <= 1s".
    #[serde(skip)]
    pub met: Vec<String>,
    /// Those that were not.
    #[serde(skip)]
    pub not_met: Vec<String>,
}

/// The runs of one scenario, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Series {
    /// The scenario's name.
    pub scenario: String,
    /// How many there are.
    pub count: usize,
    /// How many passed.
    pub passed: usize,
    /// Share of them.
    pub pass_rate: f64,
    /// What got worse from the last run before it that passed or failed to the last, a sentence
    /// each.
    pub regressions: Vec<String>,
    /// The runs.
    pub runs: Vec<Run>,
}

/// Reads a verdict: the scenario's name and its run. `None` where it is no verdict of a game
/// day.
pub fn read(document: &Value, file: &str) -> Option<(String, Run)> {
    if document.get("schema")?.as_str()? != "probe.verdict/1" {
        return None;
    }
    let text = |path: &str| Some(document.pointer(path)?.as_str()?.to_owned());
    let share = |path: &str| document.pointer(path)?.as_f64();
    let number = |path: &str| document.pointer(path)?.as_u64();
    let of_status = |status: &str| {
        let all = document.get("expectations").and_then(Value::as_array);
        let those = all
            .into_iter()
            .flatten()
            .filter(|it| it["status"] == status);
        those
            .filter_map(|it| {
                let [name, on] = ["name", "on"].map(|key| it[key].as_str());
                let expected = it["expected"].as_str().unwrap_or_default();
                Some(format!("{} of {}: {expected}", name?, on?))
            })
            .collect()
    };
    let run = Run {
        file: file.to_owned(),
        began: text("/began").unwrap_or_default(),
        verdict: text("/verdict")?,
        availability: share("/metrics/availability"),
        blast_radius: share("/metrics/blast_radius"),
        time_to_detect_ms: number("/metrics/time_to_detect_ms"),
        time_to_recover_ms: number("/metrics/time_to_recover_ms"),
        p99_us: number("/metrics/latency_us/during/p99"),
        met: of_status("met"),
        not_met: of_status("not_met"),
    };
    Some((text("/scenario")?, run))
}

/// Puts runs side by side, by scenario; those of one moment by their files.
pub fn series(mut runs: Vec<(String, Run)>) -> Vec<Series> {
    runs.sort_by(|(a, x), (b, y)| (a, &x.began, &x.file).cmp(&(b, &y.began, &y.file)));
    let mut all: Vec<Series> = Vec::new();
    for (scenario, run) in runs {
        match all.last_mut().filter(|it| it.scenario == scenario) {
            Some(series) => series.runs.push(run),
            None => all.push(Series {
                scenario,
                runs: vec![run],
                ..Series::default()
            }),
        }
    }
    for series in &mut all {
        series.count = series.runs.len();
        series.passed = series
            .runs
            .iter()
            .filter(|it| it.verdict == "passed")
            .count();
        series.pass_rate = series.passed as f64 / series.count as f64;
        if let [earlier @ .., last] = &series.runs[..] {
            let judged = |it: &&Run| ["passed", "failed"].contains(&it.verdict.as_str());
            let before = earlier.iter().rev().find(judged).or(earlier.last());
            let worse = before.map(|before| worse::regressions(before, last));
            series.regressions = worse.unwrap_or_default();
        }
    }
    all
}

/// All of it as `probe.history/1`.
pub fn json(all: &[Series]) -> String {
    let document = serde_json::json!({
        "schema": "probe.history/1",
        "regressed": all.iter().any(|it| !it.regressions.is_empty()),
        "scenarios": all,
    });
    serde_json::to_string_pretty(&document).unwrap_or_default()
}

fn milliseconds(ms: u64) -> String {
    words::duration(std::time::Duration::from_millis(ms), 1)
}

#[cfg(test)]
mod tests;
