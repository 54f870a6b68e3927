//! What a report is about: a verdict, and what is known of the occasion beside it.

use super::calendar;
use crate::model::WindowStats;
use crate::quantity::words;
use crate::scenario::Scenario;
use crate::verdict::{Metrics, Verdict};

/// What every report is written from.
#[derive(Clone, Copy, Debug)]
pub struct Occasion<'a> {
    /// What was run.
    pub scenario: &'a Scenario,
    /// The file it was read from, as typed; empty where there was none.
    pub file: &'a str,
    /// What came of it.
    pub verdict: &'a Verdict,
    /// The name of the host it was run on.
    pub host: &'a str,
}

/// A figure, to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figure {
    /// What is told.
    pub name: &'static str,
    /// The figure: "unknown" where it couldn't be told.
    pub value: String,
    /// What it means, or rests on.
    pub meaning: String,
}

impl Occasion<'_> {
    /// When it began.
    pub fn began(&self) -> String {
        let began = self.verdict.began_unix_s;
        began.map_or_else(|| "at an unknown time".to_owned(), calendar::told)
    }

    /// The figures of the whole.
    pub fn figures(&self) -> Vec<Figure> {
        let metrics = &self.verdict.metrics;
        let mut figures = self.shares(metrics);
        figures.extend(times(metrics));
        figures.push(figure(
            "retry amplification",
            metrics
                .retry_amplification
                .map(|it| format!("{it:.1} attempts a call")),
            "attempts for each logical call while calls failed, where the fault was",
        ));
        figures.extend(metrics.error_budget.map(|it| Figure {
            name: "error budget burnt",
            value: words::share(it.share),
            meaning: format!(
                "of {} over {}, at this many calls throughout; {:.1} times as fast as it allows",
                words::share(it.target),
                long(it.window),
                it.rate
            ),
        }));
        figures
    }

    fn shares(&self, metrics: &Metrics) -> Vec<Figure> {
        let during = &self.verdict.stats.during;
        let of = |stats: &WindowStats| format!("{} of {} calls", stats.ok, stats.calls);
        let down = metrics.degraded_not_down.map(|kept| match kept {
            true => "degraded, not down",
            false => "down",
        });
        vec![
            figure(
                "availability under fault",
                metrics.availability.map(words::share),
                &format!("{} ended well", of(during)),
            ),
            figure(
                "blast radius",
                metrics.blast_radius.map(words::share),
                "calls that failed or broke the steady state's p99 during the faults",
            ),
            figure(
                "degraded or down",
                down.map(str::to_owned),
                "down: no call ended well for a slice of 5 s in which some ended",
            ),
        ]
    }
}

fn times(metrics: &Metrics) -> Vec<Figure> {
    let told = |time| words::duration(time, 1);
    let automatic = metrics.automatic_recovery.map(|it| match it {
        true => "yes".to_owned(),
        false => "no".to_owned(),
    });
    let by = metrics.detected_by.as_deref();
    vec![
        figure(
            "time to detect",
            metrics.time_to_detect.map(told),
            by.unwrap_or("from a fault to the first reaction; none could be told"),
        ),
        figure(
            "time to recover",
            metrics.time_to_recover.map(told),
            "from the end of the last fault to the steady state",
        ),
        figure(
            "automatic recovery",
            automatic,
            "whether the steady state came back with nobody's help",
        ),
    ]
}

/// A long time, to read: "30 days".
fn long(time: std::time::Duration) -> String {
    match time.as_secs() {
        seconds if seconds > 0 && seconds.is_multiple_of(86_400) => {
            format!("{} days", seconds / 86_400)
        }
        seconds if seconds > 0 && seconds.is_multiple_of(3_600) => format!("{} h", seconds / 3_600),
        _ => words::duration(time, 0),
    }
}

fn figure(name: &'static str, value: Option<String>, meaning: &str) -> Figure {
    Figure {
        name,
        value: value.unwrap_or_else(|| "unknown".to_owned()),
        meaning: meaning.to_owned(),
    }
}
