//! The state machine against a clock made up here.

use super::*;

struct Bench {
    breaker: CircuitBreaker,
    now: Instant,
}

impl Bench {
    fn new() -> Self {
        Self {
            breaker: CircuitBreaker::new(Settings::default()),
            now: Instant::now(),
        }
    }

    fn wait(&mut self, milliseconds: u64) {
        self.now += Duration::from_millis(milliseconds);
    }

    fn pass(&mut self) -> Option<Pass> {
        self.breaker.try_pass(self.now)
    }

    fn report(&mut self, pass: Pass, verdict: Verdict) {
        self.breaker.report(pass, verdict, self.now);
    }

    fn call(&mut self, verdict: Verdict) {
        let pass = self.pass().expect("circuit lets calls through");
        self.report(pass, verdict);
    }

    fn opened() -> Self {
        let mut bench = Self::new();
        (0..5).for_each(|_| bench.call(Verdict::Failure));
        bench
    }
}

#[test]
fn opens_at_the_fifth_failure_in_a_row() {
    let mut bench = Bench::new();
    (0..4).for_each(|_| bench.call(Verdict::Failure));
    bench.call(Verdict::Success);
    (0..4).for_each(|_| bench.call(Verdict::Failure));
    bench.call(Verdict::Withdrawn);
    assert!(bench.pass().is_some());
    bench.call(Verdict::Failure);
    assert_eq!(bench.pass(), None);
    assert_eq!(bench.breaker.state_name(), "open");
}

#[test]
fn stays_open_for_a_second_and_then_lets_one_probe_through() {
    let mut bench = Bench::opened();
    bench.wait(999);
    assert_eq!(bench.pass(), None);
    bench.wait(1);
    let probe = bench.pass().expect("a probe");
    assert_eq!(bench.breaker.state_name(), "half_open");
    assert_eq!(bench.pass(), None);
    bench.report(probe, Verdict::Success);
    assert_eq!(bench.breaker.state_name(), "closed");
}

#[test]
fn a_failed_probe_opens_it_again_for_as_long() {
    let mut bench = Bench::opened();
    bench.wait(1000);
    bench.call(Verdict::Failure);
    bench.wait(999);
    assert_eq!(bench.pass(), None);
    bench.wait(1);
    assert!(bench.pass().is_some());
}

#[test]
fn a_probe_nobody_waits_for_makes_way_for_another() {
    let mut bench = Bench::opened();
    bench.wait(1000);
    bench.call(Verdict::Withdrawn);
    assert_eq!(bench.breaker.state_name(), "half_open");
    assert!(bench.pass().is_some());
}

#[test]
fn answers_from_before_do_not_count() {
    let mut bench = Bench::new();
    let late = [bench.pass().unwrap(), bench.pass().unwrap()];
    (0..5).for_each(|_| bench.call(Verdict::Failure));
    bench.report(late[0], Verdict::Success);
    assert_eq!(bench.breaker.state_name(), "open");
    bench.wait(1000);
    let probe = bench.pass().unwrap();
    bench.report(late[1], Verdict::Failure);
    assert_eq!(bench.breaker.state_name(), "half_open");
    bench.report(probe, Verdict::Success);
    assert_eq!(bench.breaker.state_name(), "closed");
}
