//! The runbook that a game day leaves: what to look at, how to undo, when it was last verified.

use super::occasion::Occasion;
use crate::scenario::Scenario;
use crate::verdict::VerdictKind;

/// A line of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What is to be known or done.
    pub text: String,
    /// What is to be typed for it.
    pub command: Option<String>,
}

/// See the file's head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Runbook {
    /// What to look at.
    pub look: Vec<Line>,
    /// How to undo.
    pub undo: Vec<Line>,
    /// How and when that was last verified.
    pub verified: Vec<Line>,
}

impl Runbook {
    /// The runbook of an occasion.
    pub fn of(occasion: &Occasion) -> Self {
        Self {
            look: look(occasion),
            undo: undo(),
            verified: verified(occasion),
        }
    }

    /// Its parts with their titles.
    pub fn parts(&self) -> [(&'static str, &[Line]); 3] {
        [
            ("What to look at", &self.look),
            ("How to undo", &self.undo),
            ("Last verified", &self.verified),
        ]
    }
}

fn look(occasion: &Occasion) -> Vec<Line> {
    let scenario = occasion.scenario;
    let mut lines = vec![line(
        format!(
            "Who calls whom around {}, and how well",
            scenario.service.name
        ),
        Some(format!("probe observe{}", place(scenario))),
    )];
    let faulted = occasion.verdict.faults.iter().map(|it| it.on.as_str());
    for dependency in &scenario.dependencies {
        if !faulted.clone().any(|on| on == dependency.name) {
            continue;
        }
        let to = dependency
            .to
            .iter()
            .map(|it| format!(" --to {}", word(&it.to_string())));
        let command = format!(
            "probe observe{}{} --events",
            place(scenario),
            to.collect::<String>()
        );
        let text = format!(
            "Every call to {} ({})",
            dependency.name,
            dependency.tier.name()
        );
        lines.push(line(text, Some(command)));
    }
    let steady = &scenario.steady_state;
    let bounds = [
        steady.success_rate.map(|it| format!("success_rate {it}")),
        steady.p99.map(|it| format!("p99 {it}")),
    ];
    let bounds: Vec<_> = bounds.into_iter().flatten().collect();
    lines.push(line(
        format!(
            "{} is well with {}",
            scenario.service.name,
            bounds.join(", ")
        ),
        None,
    ));
    lines
}

fn undo() -> Vec<Line> {
    let typed = |text: &str, command: &str| line(text.to_owned(), Some(command.to_owned()));
    vec![
        typed(
            "End every fault on the host at once; doing it twice does no harm",
            "probe stop",
        ),
        typed("See that nothing is active any more", "probe status"),
        line(
            "Every fault ends by itself at its deadline, and 600 ms after its probe died"
                .to_owned(),
            None,
        ),
    ]
}

fn verified(occasion: &Occasion) -> Vec<Line> {
    let verdict = occasion.verdict;
    let how = match (verdict.kind, verdict.metrics.time_to_recover) {
        (VerdictKind::Aborted, _) => "every fault was taken out before its time".to_owned(),
        (_, Some(time)) => format!(
            "the steady state was back {} after the last fault",
            crate::quantity::words::duration(time, 1)
        ),
        (_, None) => "that the steady state comes back was not seen".to_owned(),
    };
    let text = format!(
        "{}, on {}: {}; {how}",
        occasion.began(),
        occasion.host,
        verdict.kind.name()
    );
    let file = match occasion.file {
        "" => None,
        file => Some(format!(
            "probe run {} --headless --seed {}",
            word(file),
            verdict.seed
        )),
    };
    let mut lines = vec![line(text, None)];
    lines.extend(file.map(|it| line("To verify it again".to_owned(), Some(it))));
    lines
}

fn place(scenario: &Scenario) -> String {
    let netns = scenario.service.netns.as_deref();
    netns.map_or_else(String::new, |it| format!(" --netns {}", word(it)))
}

/// One word of a shell's, whatever is in it.
fn word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._:-[],=+@%".contains(c);
    match !text.is_empty() && text.chars().all(plain) && !text.starts_with('[') {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', "'\\''")),
    }
}

fn line(text: String, command: Option<String>) -> Line {
    Line { text, command }
}

#[cfg(test)]
mod tests {
    use super::word;

    #[test]
    fn what_is_to_be_typed_can_be() {
        assert_eq!(word("10.0.0.7:80"), "10.0.0.7:80");
        assert_eq!(word("[fd00::7]:80"), "'[fd00::7]:80'");
        assert_eq!(word("a b"), "'a b'");
        assert_eq!(word("x'; rm -rf /"), "'x'\\''; rm -rf /'");
    }
}
