//! Which verdict it is where several hold: aborted, ineffective, failed, inconclusive, passed.

use super::{Effect, Expectation, FaultOutcome, VerdictKind};
use crate::snapshot::Status;

/// How the run itself ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Every phase came to its end.
    Completed,
    /// The steady state was never there to begin with, so no fault was armed.
    NotSteady(String),
    /// It was stopped, and why.
    Aborted(String),
}

/// The verdict, and why in one line.
pub fn decide(
    ending: &Ending,
    faults: &[FaultOutcome],
    expectations: &[Expectation],
) -> (VerdictKind, String) {
    if let Ending::Aborted(reason) = ending {
        return (VerdictKind::Aborted, reason.clone());
    }
    let idle: Vec<String> = faults
        .iter()
        .filter(|fault| fault.effect == Effect::Ineffective)
        .map(|fault| format!("step {} ({}) {}", fault.step, fault.label, idle(fault)))
        .collect();
    if !idle.is_empty() {
        return (VerdictKind::Ineffective, idle.join("; "));
    }
    let sentences = |status: Status| -> String {
        let of_status = expectations.iter().filter(|e| e.status == status);
        of_status
            .map(|e| e.sentence.as_str())
            .collect::<Vec<_>>()
            .join("; ")
    };
    let broken = sentences(Status::NotMet);
    if !broken.is_empty() {
        return (VerdictKind::Failed, broken);
    }
    if let Ending::NotSteady(reason) = ending {
        return (VerdictKind::Inconclusive, reason.clone());
    }
    let unknown = sentences(Status::Unknown);
    if !unknown.is_empty() {
        return (VerdictKind::Inconclusive, unknown);
    }
    (VerdictKind::Passed, "every expectation was met".to_owned())
}

fn idle(fault: &FaultOutcome) -> String {
    match fault.counters.seen {
        0 => "saw no packet".to_owned(),
        seen => format!("touched none of the {seen} packets it saw"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::FaultCounters;

    fn fault(effect: Effect) -> FaultOutcome {
        FaultOutcome {
            step: 1,
            on: "payments".into(),
            kind: "blackhole".into(),
            label: "payments · blackhole".into(),
            counters: FaultCounters::default(),
            effect,
        }
    }

    fn expectation(status: Status) -> Expectation {
        Expectation {
            name: "p99".into(),
            on: "shop".into(),
            expected: "<= 1s".into(),
            measured: "3.1 s".into(),
            status,
            confidence: 1.0,
            evidence: String::new(),
            sentence: format!("p99 is {}", status.name()),
        }
    }

    #[test]
    fn the_order_is_3_4_1_5_0() {
        let aborted = Ending::Aborted("stopped by the operator".into());
        let done = Ending::Completed;
        let idle = fault(Effect::Ineffective);
        let works = fault(Effect::Effective);
        let [met, broken, unknown] =
            [Status::Met, Status::NotMet, Status::Unknown].map(expectation);
        let code = |ending: &Ending, faults: &[FaultOutcome], expectations: &[Expectation]| {
            decide(ending, faults, expectations).0.exit_code()
        };
        let all = [met.clone(), broken.clone(), unknown.clone()];
        assert_eq!(code(&aborted, std::slice::from_ref(&idle), &all), 3);
        assert_eq!(code(&done, &[works.clone(), idle], &all), 4);
        assert_eq!(code(&done, std::slice::from_ref(&works), &all), 1);
        assert_eq!(
            code(
                &done,
                std::slice::from_ref(&works),
                &[met.clone(), unknown.clone()]
            ),
            5
        );
        assert_eq!(
            code(
                &Ending::NotSteady("x".into()),
                &[fault(Effect::NotArmed)],
                &[unknown]
            ),
            5
        );
        assert_eq!(code(&done, &[works], &[met]), 0);
        assert_eq!(code(&done, &[], &[]), 0);
    }

    #[test]
    fn the_reason_names_what_broke() {
        let broken = [expectation(Status::NotMet), expectation(Status::Met)];
        assert_eq!(decide(&Ending::Completed, &[], &broken).1, "p99 is not_met");
        let (_, reason) = decide(&Ending::Completed, &[fault(Effect::Ineffective)], &broken);
        assert_eq!(reason, "step 1 (payments · blackhole) saw no packet");
    }
}
