//! Retry: a failed attempt is made again after a pause that doubles each time, with full jitter
//! (anywhere between nothing and the whole pause), so that callers which failed together don't
//! come back together. A budget of time keeps a customer from waiting for all of it.

use std::time::Duration;

use rand::Rng;

/// When to try again, and after which pause.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Retry {
    /// Attempts after the first one.
    pub(crate) max_retries: u32,
    /// The longest pause before the first retry.
    pub(crate) base: Duration,
    /// By what the longest pause grows from one retry to the next.
    pub(crate) multiplier: u32,
    /// No retry begins that might end later than this after the customer came.
    pub(crate) budget: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            max_retries: 2,
            base: Duration::from_millis(50),
            multiplier: 2,
            budget: Duration::from_millis(800),
        }
    }
}

impl Retry {
    /// The pause before the next attempt, or none if there is to be no next attempt: because
    /// there were enough, or because one as long as `attempt_limit` wouldn't fit into the budget
    /// of which `elapsed` is gone. A shorter attempt instead would only load the dependency.
    pub(crate) fn pause(
        &self,
        retries_made: u32,
        elapsed: Duration,
        attempt_limit: Duration,
        rng: &mut impl Rng,
    ) -> Option<Duration> {
        if retries_made >= self.max_retries {
            return None;
        }
        let longest = self.base * self.multiplier.pow(retries_made);
        let pause = longest.mul_f64(rng.random::<f64>());
        (elapsed + pause + attempt_limit <= self.budget).then_some(pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed;

    const AT_ONCE: Duration = Duration::ZERO;

    fn pauses(retries_made: u32) -> Vec<Duration> {
        let mut rng = seed::stream(1, "test");
        let retry = Retry::default();
        (0..1000)
            .map(|_| {
                retry
                    .pause(retries_made, AT_ONCE, AT_ONCE, &mut rng)
                    .unwrap()
            })
            .collect()
    }

    #[test]
    fn pauses_double_and_are_fully_jittered() {
        for (retries_made, longest) in [(0, 50), (1, 100)] {
            let pauses = pauses(retries_made);
            let longest = Duration::from_millis(longest);
            assert!(pauses.iter().all(|pause| *pause <= longest));
            assert!(*pauses.iter().max().unwrap() > longest.mul_f64(0.98));
            assert!(*pauses.iter().min().unwrap() < longest.mul_f64(0.02));
        }
    }

    #[test]
    fn two_retries_are_enough() {
        let mut rng = seed::stream(1, "test");
        assert_eq!(Retry::default().pause(2, AT_ONCE, AT_ONCE, &mut rng), None);
    }

    #[test]
    fn no_retry_outlasts_the_budget() {
        let mut rng = seed::stream(1, "test");
        let limit = Duration::from_millis(250);
        for elapsed in (0..1000).map(Duration::from_millis) {
            if let Some(pause) = Retry::default().pause(1, elapsed, limit, &mut rng) {
                assert!(elapsed + pause + limit <= Duration::from_millis(800));
            } else {
                assert!(elapsed > Duration::from_millis(450), "{elapsed:?}");
            }
        }
    }
}
