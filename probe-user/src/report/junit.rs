//! The verdict as JUnit XML, as CI servers read it: an expectation, a fault or the game day
//! itself is a test case.
//!
//! Not met is a failure; what can't be told, an abort and a fault that touched nothing are errors.

use super::calendar;
use super::escape::xml;
use super::occasion::Occasion;
use crate::snapshot::Status;
use crate::verdict::{Effect, Verdict, VerdictKind};

/// How a test case ended.
enum End {
    Passed,
    Failure(&'static str, String),
    Error(&'static str, String),
    Skipped(String),
}

struct Case {
    class: &'static str,
    name: String,
    end: End,
    details: String,
}

/// The verdict as one XML document, a newline at its end.
pub fn junit(occasion: &Occasion) -> String {
    let verdict = occasion.verdict;
    let cases = cases(verdict);
    let count = |is: fn(&End) -> bool| cases.iter().filter(|it| is(&it.end)).count();
    let failures = count(|it| matches!(it, End::Failure(..)));
    let errors = count(|it| matches!(it, End::Error(..)));
    let skipped = count(|it| matches!(it, End::Skipped(_)));
    let tests = cases.len();
    let time = verdict.course.length_ms as f64 / 1_000.0;
    let name = xml(&verdict.scenario);
    let timestamp = calendar::utc(verdict.began_unix_s.unwrap_or(0));
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <!-- {} -->\n\
         <testsuites name=\"probe\" tests=\"{tests}\" failures=\"{failures}\" \
         errors=\"{errors}\" time=\"{time:.3}\">\n\
         <testsuite name=\"{name}\" tests=\"{tests}\" failures=\"{failures}\" \
         errors=\"{errors}\" skipped=\"{skipped}\" time=\"{time:.3}\" timestamp=\"{}\" \
         hostname=\"{}\">\n",
        super::MARK,
        timestamp.trim_end_matches('Z'),
        xml(occasion.host)
    );
    text += &properties(verdict);
    text.extend(cases.iter().map(case));
    text += &format!("<system-out>{}</system-out>\n", xml(&timeline(verdict)));
    text + "</testsuite>\n</testsuites>\n"
}

fn properties(verdict: &Verdict) -> String {
    let property =
        |name: &str, value: &str| format!("<property name=\"{name}\" value=\"{}\"/>\n", xml(value));
    format!(
        "<properties>\n{}{}{}{}</properties>\n",
        property("verdict", verdict.kind.name()),
        property("reason", &verdict.reason),
        property("hypothesis", &verdict.hypothesis),
        property("seed", &verdict.seed.to_string()),
    )
}

fn cases(verdict: &Verdict) -> Vec<Case> {
    let mut cases = vec![Case {
        class: "probe.game_day",
        name: "can be judged".to_owned(),
        end: match verdict.kind {
            VerdictKind::Passed | VerdictKind::Failed => End::Passed,
            kind => End::Error(kind.name(), verdict.reason.clone()),
        },
        details: verdict.reason.clone(),
    }];
    cases.extend(verdict.faults.iter().map(|fault| Case {
        class: "probe.fault",
        name: format!("step {}: {}", fault.step, fault.label),
        end: match fault.effect {
            Effect::Effective => End::Passed,
            Effect::Ineffective => End::Error("ineffective", "it touched nothing".to_owned()),
            Effect::NotArmed => End::Skipped("it was not armed".to_owned()),
        },
        details: format!(
            "touched {} of {} packets",
            fault.counters.touched(),
            fault.counters.seen
        ),
    }));
    cases.extend(verdict.expectations.iter().map(|it| Case {
        class: "probe.expectation",
        name: format!("{} of {}: {}", it.name, it.on, it.expected),
        end: match it.status {
            Status::Met => End::Passed,
            Status::NotMet => End::Failure("not_met", it.sentence.clone()),
            Status::Unknown => End::Error("unknown", it.sentence.clone()),
        },
        details: format!("measured {}; {}", it.measured, it.evidence),
    }));
    cases
}

fn case(case: &Case) -> String {
    let ending = |element: &str, kind: &str, message: &str| {
        format!(
            "<{element} type=\"{kind}\" message=\"{}\">{}</{element}>",
            xml(message),
            xml(&case.details)
        )
    };
    let end = match &case.end {
        End::Passed => format!("<system-out>{}</system-out>", xml(&case.details)),
        End::Failure(kind, message) => ending("failure", kind, message),
        End::Error(kind, message) => ending("error", kind, message),
        End::Skipped(message) => format!("<skipped message=\"{}\"/>", xml(message)),
    };
    format!(
        "<testcase classname=\"{}\" name=\"{}\" time=\"0\">{end}</testcase>\n",
        case.class,
        xml(&case.name)
    )
}

fn timeline(verdict: &Verdict) -> String {
    let line = |it: &crate::snapshot::TimelineEntry| {
        let at = it.at_ms as f64 / 1_000.0;
        format!("{at:>7.1} s  {:<11}  {}\n", it.kind.name(), it.text)
    };
    verdict.timeline.iter().map(line).collect()
}
