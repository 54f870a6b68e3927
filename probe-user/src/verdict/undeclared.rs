//! Holds what the service calls against what its scenario declares.

use super::Expectation;
use crate::{model::Undeclared, snapshot::Status};

/// What it is called in a scenario.
const NAME: &str = "undeclared_dependencies";

/// Named in one line; the rest is counted.
const MOST_NAMED: usize = 5;

/// Judges how many dependencies aren't declared. Too many are too many whatever was lost; that
/// there are no more can't be told where events were.
pub fn judge(most: u64, found: &[Undeclared], lost: u64, on: &str) -> Expectation {
    let count = found.len() as u64;
    let status = match (count > most, lost) {
        (true, _) => Status::NotMet,
        (false, 0) => Status::Met,
        (false, _) => Status::Unknown,
    };
    let evidence = match (found, lost) {
        ([], 0) => "every far side that it called is declared".to_owned(),
        (_, 0) => named(found),
        ([], lost) => format!("{lost} events were lost, which may have told of one"),
        (_, lost) => format!("{}; {lost} events were lost", named(found)),
    };
    let sentence = match status {
        Status::Unknown => format!("{NAME} can't be told: {evidence}"),
        _ if found.is_empty() => format!("{NAME} was 0, expected {most}"),
        _ => format!("{NAME} was {count}, expected {most}: {}", named(found)),
    };
    Expectation {
        name: NAME.to_owned(),
        on: on.to_owned(),
        expected: most.to_string(),
        measured: count.to_string(),
        status,
        confidence: if status == Status::Unknown { 0.0 } else { 1.0 },
        evidence,
        sentence,
    }
}

fn named(found: &[Undeclared]) -> String {
    let mut names: Vec<_> = found
        .iter()
        .take(MOST_NAMED)
        .map(|it| format!("{} calls {}", it.service, it.words()))
        .collect();
    if found.len() > MOST_NAMED {
        names.push(format!("and {} more", found.len() - MOST_NAMED));
    }
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redis() -> Undeclared {
        Undeclared {
            name: "redis".into(),
            remote: "10.0.0.9:6379".into(),
            service: "shop".into(),
            calls: 3,
            ..Undeclared::default()
        }
    }

    #[test]
    fn one_too_many_is_named() {
        let judged = judge(0, &[redis()], 0, "shop");
        assert_eq!(judged.status, Status::NotMet);
        assert_eq!(
            judged.sentence,
            "undeclared_dependencies was 1, expected 0: shop calls redis (10.0.0.9:6379)"
        );
        assert_eq!(judge(1, &[redis()], 0, "shop").status, Status::Met);
        let many = vec![redis(); 9];
        assert!(judge(0, &many, 0, "shop").sentence.ends_with("and 4 more"));
    }

    #[test]
    fn lost_events_may_have_told_of_more_but_not_of_less() {
        assert_eq!(judge(0, &[], 0, "shop").status, Status::Met);
        let unsure = judge(0, &[], 2, "shop");
        assert_eq!((unsure.status, unsure.confidence), (Status::Unknown, 0.0));
        assert_eq!(judge(0, &[redis()], 2, "shop").status, Status::NotMet);
    }
}
