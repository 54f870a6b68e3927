//! An experiment of Chaos Toolkit becomes a scenario: its hypothesis the steady state, its method
//! the steps. What a scenario can't hold is listed with the reason, and left out. The experiment's
//! format: <https://chaostoolkit.org/reference/api/experiment/>.

mod experiment;
mod hypothesis;
mod inject;
mod method;
mod write;

use crate::mistake::Mistake;
use experiment::Experiment;

/// A scenario out of an experiment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// The scenario, as a file's text.
    pub scenario: String,
    /// What isn't in it.
    pub left_out: Vec<LeftOut>,
}

/// Something of the experiment that the scenario doesn't hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// Where it stands: "method[2] \"kill a pod\"".
    pub place: String,
    /// Why it can't be kept, and what to do.
    pub why: String,
}

/// Turns an experiment, as JSON, into a scenario.
///
/// # Errors
/// Where it is no experiment, or nothing of its method can be kept: what there is would be no game
/// day.
pub fn read(text: &str) -> Result<Imported, Mistake> {
    let experiment = Experiment::read(text)?;
    let mut left_out = experiment.left_out();
    let steady = hypothesis::read(&experiment, &mut left_out);
    let plan = method::read(&experiment, &mut left_out);
    if plan.steps.is_empty() {
        let mut reasons = left_out
            .iter()
            .map(|it| format!("{}: {}", it.place, it.why));
        let first = reasons.next().unwrap_or("its method is empty".to_owned());
        return Err(
            Mistake::new(format!("nothing of the method can be kept; {first}")).hint(
                "a step is a process action: `probe inject FAULT …`, or a command of your own",
            ),
        );
    }
    let scenario = write::scenario(&experiment, &steady, &plan, &mut left_out)?;
    Ok(Imported { scenario, left_out })
}

#[cfg(test)]
mod tests;
