//! How much of an error budget a game day burnt.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Verdict;
use crate::model::WindowStats;
use crate::plan::Share;

/// A promise: so large a share of calls goes well, over so long a time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Slo {
    /// The share, 0 to 1; not all of them.
    target: f64,
    /// The time.
    window: Duration,
}

/// What was burnt of it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Burnt {
    /// The promise's share.
    pub target: f64,
    /// The promise's time.
    pub window: Duration,
    /// How long was looked at: from the first fault to the end.
    pub measured_over: Duration,
    /// How many times faster than the promise allows calls failed.
    pub rate: f64,
    /// Share of the whole budget, were there always as many calls as in that time; above 1 it
    /// is more than there is.
    pub share: f64,
}

impl Slo {
    /// A promise; `None` where it leaves no room for errors or has no length.
    pub fn new(target: Share, window: Duration) -> Option<Self> {
        let target = target.value();
        let is_one = target < 1.0 && !window.is_zero();
        is_one.then_some(Self { target, window })
    }

    /// What calls of a time burnt of it; `None` where there was none.
    pub fn burnt(&self, stats: &WindowStats, over: Duration) -> Option<Burnt> {
        let rate = (1.0 - stats.success_rate()?) / (1.0 - self.target);
        Some(Burnt {
            target: self.target,
            window: self.window,
            measured_over: over,
            rate,
            share: rate * over.as_secs_f64() / self.window.as_secs_f64(),
        })
    }
}

impl Verdict {
    /// Adds what was burnt of the error budget, where a promise was given.
    pub fn reckon(&mut self, promise: Option<&Slo>) {
        let course = &self.course;
        let since = |(from, _)| Duration::from_millis(course.length_ms.saturating_sub(from));
        let burnt = promise
            .zip(course.during.map(since))
            .and_then(|(slo, over)| slo.burnt(&self.since_fault, over));
        self.metrics.error_budget = burnt;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stats(ok: u64, calls: u64) -> WindowStats {
        WindowStats {
            ok,
            calls,
            ..WindowStats::default()
        }
    }

    #[test]
    fn a_tenth_failing_for_a_thousandth_of_the_time_burns_a_tenth_of_three_nines() {
        let slo = Slo::new(Share::new(0.999).unwrap(), Duration::from_secs(60_000)).unwrap();
        let burnt = slo.burnt(&stats(90, 100), Duration::from_secs(60)).unwrap();
        assert!((burnt.rate - 100.0).abs() < 1e-6, "{burnt:?}");
        assert!((burnt.share - 0.1).abs() < 1e-6, "{burnt:?}");
        let nothing = slo.burnt(&stats(100, 100), Duration::from_secs(60));
        assert_eq!(nothing.unwrap().share, 0.0);
        assert_eq!(slo.burnt(&stats(0, 0), Duration::from_secs(60)), None);
    }

    #[test]
    fn a_promise_without_room_for_errors_is_none() {
        assert_eq!(
            Slo::new(Share::new(1.0).unwrap(), Duration::from_secs(1)),
            None
        );
        assert_eq!(Slo::new(Share::new(0.9).unwrap(), Duration::ZERO), None);
    }
}
