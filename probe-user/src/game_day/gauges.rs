//! How many calls waited at once, a second: what the model knows of the present only.

use super::{Evidence, GameDay};

const SECOND_NS: u64 = 1_000_000_000;

/// The most seen in each second since the game day began, by dependency; `None` where it was
/// never looked at.
#[derive(Clone, Debug, Default)]
pub(super) struct Gauges {
    seconds: Vec<Vec<Option<u32>>>,
}

impl Gauges {
    /// The most of one dependency between two times since the beginning.
    pub(super) fn most(&self, dependency: usize, from_ms: u64, to_ms: u64) -> Option<u32> {
        let first = usize::try_from(from_ms / 1_000).ok()?;
        let last = usize::try_from(to_ms.div_ceil(1_000)).ok()?;
        let seconds = self.seconds.get(first..last.min(self.seconds.len()))?;
        let of_it = seconds.iter().filter_map(|it| *it.get(dependency)?);
        of_it.max()
    }
}

impl GameDay {
    /// Looks at how many calls to each dependency wait now.
    pub(super) fn look_at_gauges(&mut self, now_ns: u64, evidence: &dyn Evidence) {
        let second = now_ns.saturating_sub(self.started_ns) / SECOND_NS;
        let Ok(second) = usize::try_from(second) else {
            return;
        };
        let dependencies = &self.scenario.dependencies;
        let seconds = &mut self.gauges.seconds;
        if seconds.len() <= second {
            seconds.resize(second + 1, vec![None; dependencies.len()]);
        }
        for (most, dependency) in seconds[second].iter_mut().zip(dependencies) {
            *most = (*most).max(evidence.in_flight(&dependency.name));
        }
    }
}
