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
    let draft = write::Draft::of(&experiment, &steady, &plan, &mut left_out)?;
    for it in &mut left_out {
        // What an experiment says must not begin a line of the scenario, or steer a terminal.
        it.place.retain(|it| !it.is_control());
        it.why.retain(|it| !it.is_control());
    }
    if draft.is_empty() {
        let of_method = left_out.iter().find(|it| it.place.starts_with("method"));
        let reason = of_method.map(|it| format!("{}: {}", it.place, it.why));
        let reason = reason.unwrap_or("its method is empty".to_owned());
        return Err(
            Mistake::new(format!("nothing of the method can be kept; {reason}")).hint(
                "a step is a process action: `probe inject FAULT …`, or a command of your own",
            ),
        );
    }
    let scenario = draft.scenario(&left_out);
    Ok(Imported { scenario, left_out })
}

#[cfg(test)]
mod tests;
