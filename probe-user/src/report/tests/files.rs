//! Reports that are files: each as it is, and none that a hostile name can break out of.

use crate::report::occasion::Occasion;
use crate::report::{html, junit, markdown};
use crate::scenario::Scenario;
use crate::verdict::{Verdict, VerdictKind};

use super::failed;

/// What was run.
pub const SCENARIO: &str = r#"
name = "payments slow"
[service]
name = "shop"
listen = 8080
netns = "lab shop"
[[dependency]]
name = "payments"
to = ["10.0.0.7:80", "[fd00::7]:80"]
[steady_state]
for = "8s"
success_rate = ">= 99%"
p99 = "<= 400ms"
[[step]]
at = "0s"
for = "10s"
on = "payments"
fault = "delay"
delay = "2s"
"#;

const HOSTILE: &str = "</td></script><script>alert(1)</script>]]>&\"'|`#\u{1b}[31m\u{202e}\u{0}";

/// Writes a report of a verdict.
pub fn told(verdict: &Verdict, write: impl FnOnce(&Occasion) -> String) -> String {
    let scenario = Scenario::parse(SCENARIO, "x.toml").unwrap();
    write(&Occasion {
        scenario: &scenario,
        file: "payments slow.toml",
        verdict,
        host: "ci-7",
    })
}

/// The same verdict where everybody who could choose a name chose a bad one.
fn hostile() -> Verdict {
    let mut verdict = failed();
    let bad = || HOSTILE.to_owned();
    verdict.scenario = bad();
    verdict.hypothesis = bad();
    verdict.service = bad();
    verdict.reason = bad();
    verdict.faults[0].label = bad();
    verdict.commands[0].label = bad();
    verdict.dependencies[0].name = bad();
    verdict.timeline[0].text = bad();
    verdict.metrics.detected_by = Some(bad());
    for it in &mut verdict.expectations {
        (it.name, it.on, it.measured) = (bad(), bad(), bad());
        (it.evidence, it.sentence, it.expected) = (bad(), bad(), bad());
    }
    for it in &mut verdict.patterns.sheets {
        (it.service, it.dependency) = (bad(), bad());
        it.findings.timeout.ground.evidence = bad();
    }
    verdict.course.service.name = bad();
    verdict.course.dependencies[0].name = bad();
    verdict.course.faults[0].on = bad();
    verdict
}

#[test]
fn junit_is_as_ci_servers_read_it() {
    insta::assert_snapshot!(told(&failed(), junit::junit));
}

#[test]
fn markdown_goes_into_a_post_mortem() {
    insta::assert_snapshot!(told(&failed(), markdown::markdown));
}

#[test]
fn html_is_one_page() {
    insta::assert_snapshot!(told(&failed(), html::html));
}

#[test]
fn names_stay_text() {
    for write in [html::html, junit::junit, markdown::markdown] {
        let text = told(&hostile(), write);
        // Of Markdown's lines one is code, where nothing is a mark.
        let is_code = |line: &&str| line.starts_with("- step 3: `` ") && line.contains(" ``: ");
        let marked = text.lines().filter(|line| !is_code(line));
        for line in marked {
            assert!(!line.contains("<script") && !line.contains("]]>"), "{line}");
        }
        let bad = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!text.contains(bad), "{text}");
    }
}

/// Every element that is opened is closed, in order; a page's void elements aside.
#[test]
fn elements_nest() {
    for verdict in [failed(), hostile()] {
        for write in [html::html, junit::junit] {
            nest(&told(&verdict, write));
        }
    }
}

fn nest(text: &str) {
    let mut open: Vec<&str> = Vec::new();
    let without_style = match (text.find("<style>"), text.find("</style>")) {
        (Some(from), Some(to)) => text[..from].to_owned() + &text[to + 8..],
        _ => text.to_owned(),
    };
    for tag in without_style.split('<').skip(1) {
        let tag = tag.split_once('>').expect("a tag ends").0;
        let name = tag.split([' ', '\n', '/']).next().unwrap_or_default();
        match tag {
            tag if tag.starts_with(['!', '?']) || tag.ends_with('/') || name == "meta" => {}
            tag if tag.starts_with('/') => assert_eq!(open.pop(), tag.get(1..), "{text}"),
            _ => open.push(name),
        }
    }
    assert_eq!(open, [] as [&str; 0], "{text}");
}

#[test]
fn the_page_fetches_and_runs_nothing() {
    let page = told(&failed(), html::html);
    for what in ["<script", "http://", "https://", "src=", "@import", "url("] {
        assert!(!page.contains(what), "{what}");
    }
}

#[test]
fn what_cannot_be_judged_is_an_error_and_no_failure() {
    let mut verdict = failed();
    verdict.kind = VerdictKind::Inconclusive;
    verdict.expectations.remove(0);
    let text = told(&verdict, junit::junit);
    assert!(text.contains("failures=\"0\" errors=\"2\""), "{text}");
    assert!(text.contains("<error type=\"inconclusive\""), "{text}");
}

#[test]
fn a_course_of_nothing_has_no_charts() {
    let mut verdict = failed();
    verdict.course = crate::verdict::Course::default();
    let page = told(&verdict, html::html);
    assert!(page.contains("Too short for charts") && !page.contains("NaN"));
}
