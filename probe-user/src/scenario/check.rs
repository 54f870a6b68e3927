//! What only shows once the whole scenario is read.

use super::Scenario;
use super::error::{ScenarioError, Source};
use super::table::Table;
use crate::mistake::Mistake;
use crate::quantity::words::typed_duration;

/// Refuses a scenario that can't be over within its time box, on the line of the step that
/// breaks it.
pub(super) fn fits_time_box(
    scenario: &Scenario,
    top: &Table<'_>,
    source: Source<'_>,
) -> Result<(), ScenarioError> {
    let steady = scenario.steady_state.duration;
    let needed = |n: usize| scenario.steps[n].end() + steady * 2;
    let Some(n) = (0..scenario.steps.len())
        .max_by_key(|n| needed(*n))
        .filter(|n| needed(*n) > scenario.time_box)
    else {
        return Ok(());
    };
    let step = &scenario.steps[n];
    let mistake = Mistake::new(format!(
        "[[step]] {} ends at {}, with the steady state before and after at {}: beyond the time box of {}",
        n + 1,
        typed_duration(step.end()),
        typed_duration(needed(n)),
        typed_duration(scenario.time_box),
    ));
    let mistake = match top.key("time_box") {
        Some(found) => mistake.hint(format!(
            "shorten the step, or lengthen time_box on line {}",
            source.line(found.at)
        )),
        None => mistake.hint("shorten the step, or add a longer time_box"),
    };
    Err(ScenarioError {
        file: source.file.to_owned(),
        line: step.line,
        mistake,
    })
}
