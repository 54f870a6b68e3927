//! Past game days as people read them.

use super::{Run, Series, milliseconds};
use crate::quantity::words;
use crate::report::observed::visible;

/// A table for each scenario, and what got worse.
pub fn text(all: &[Series]) -> String {
    let mut text = String::new();
    for series in all {
        text += &format!(
            "{}: {} of {} passed ({})\n",
            visible(&series.scenario),
            series.passed,
            series.count,
            words::share(series.pass_rate)
        );
        text += &format!(
            "  {:<20} {:<12} {:>9} {:>9} {:>9} {:>9}\n",
            "began", "verdict", "available", "p99", "detected", "recovered"
        );
        text.extend(series.runs.iter().map(line));
        for it in &series.regressions {
            text += &format!("  worse than the run before: {}\n", visible(it));
        }
        text += "\n";
    }
    text
}

fn line(run: &Run) -> String {
    let none = |text: Option<String>| text.unwrap_or_else(|| "–".to_owned());
    let began = match run.began.as_str() {
        "" => run.file.as_str(),
        began => began,
    };
    format!(
        "  {:<20} {:<12} {:>9} {:>9} {:>9} {:>9}\n",
        visible(began),
        visible(&run.verdict),
        none(run.availability.map(words::share)),
        none(run.p99_us.map(words::microseconds)),
        none(run.time_to_detect_ms.map(milliseconds)),
        none(run.time_to_recover_ms.map(milliseconds)),
    )
}
