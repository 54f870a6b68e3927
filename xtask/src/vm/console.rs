//! Reads a virtual machine's console: which tests passed, how the run ended, and whether the kernel
//! itself gave way. Knows nothing of the machine that writes it.

/// What the first process writes when the tests are over; the exit code follows.
pub(super) const EXIT_MARK: &str = "VM-EXIT: ";

/// How the kernel says that it can't go on, or that something in it doesn't.
const FATAL: [&str; 6] = [
    "Kernel panic - not syncing",
    "BUG: soft lockup",
    "hard LOCKUP",
    "blocked for more than",
    "detected stall",
    "self-detected stall",
];

/// How many tests passed and failed; what went wrong with the machine counts as a test that failed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Outcome {
    /// Tests that passed.
    pub(crate) passed: u32,
    /// Tests that failed.
    pub(crate) failed: u32,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum End {
    /// The tests ended with this code.
    Exit(i32),
    /// The kernel gave way, in its own words.
    Broken(String),
    /// Nothing more came in time.
    Silent,
    /// The machine stopped before the tests were over.
    Stopped,
}

/// What was read so far.
#[derive(Default)]
pub(super) struct Console {
    outcome: Outcome,
}

impl Console {
    /// Takes a line, and tells whether it ends the run.
    pub(super) fn line(&mut self, line: &str) -> Option<End> {
        if line.starts_with("ok ") {
            self.outcome.passed += 1;
        } else if line.starts_with("FAILED ") {
            self.outcome.failed += 1;
        } else if let Some((_, code)) = line.split_once(EXIT_MARK) {
            // A code that can't be read is one that isn't 0.
            return Some(End::Exit(code.trim().parse().unwrap_or(-1)));
        } else if FATAL.iter().any(|words| line.contains(words)) {
            return Some(End::Broken(line.trim().to_owned()));
        }
        None
    }

    /// What it comes to, given how it ended; the second is what to tell beyond the tests' own words.
    pub(super) fn conclude(self, end: &End) -> (Outcome, Option<String>) {
        let mut outcome = self.outcome;
        let fault = match end {
            End::Exit(0) if outcome == Outcome::default() => Some("no test reported".to_owned()),
            End::Exit(0) => None,
            End::Exit(_) if outcome.failed > 0 => None,
            End::Exit(code) => Some(format!("the tests ended with {code} and named no failure")),
            End::Broken(words) => Some(format!("the kernel gave way: {words}")),
            End::Silent => Some("the tests were not over in time".to_owned()),
            End::Stopped => Some("the machine stopped before the tests were over".to_owned()),
        };
        outcome.failed += u32::from(fault.is_some());
        (outcome, fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[&str]) -> (Outcome, Option<String>) {
        let mut console = Console::default();
        let end = lines
            .iter()
            .find_map(|line| console.line(line))
            .unwrap_or(End::Stopped);
        console.conclude(&end)
    }

    #[test]
    fn counts_tests() {
        let (outcome, fault) =
            read(&["noise", "ok load", "ok delay", "[    3.1] ok", "VM-EXIT: 0"]);
        assert_eq!(
            (outcome, fault),
            (
                Outcome {
                    passed: 2,
                    failed: 0
                },
                None
            )
        );
        let (outcome, fault) = read(&["ok load", "FAILED loss: 3 of 10", "VM-EXIT: 1"]);
        assert_eq!(
            (outcome, fault),
            (
                Outcome {
                    passed: 1,
                    failed: 1
                },
                None
            )
        );
    }

    #[test]
    fn an_end_that_says_nothing_is_a_failure() {
        for (lines, words) in [
            (&["VM-EXIT: 0"][..], "no test reported"),
            (&["ok load", "VM-EXIT: 101"], "ended with 101"),
            (&["ok load", "VM-EXIT: what"], "ended with -1"),
            (&["ok load"], "the machine stopped"),
        ] {
            let (outcome, fault) = read(lines);
            assert_eq!(outcome.failed, 1, "{lines:?}");
            assert!(
                fault.is_some_and(|fault| fault.contains(words)),
                "{lines:?}"
            );
        }
    }

    #[test]
    fn recognises_a_kernel_that_gives_way() {
        for line in [
            "[    1.2] Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000100",
            "[   30.0] watchdog: BUG: soft lockup - CPU#1 stuck for 26s! [probe:77]",
            "[   60.0] rcu: INFO: rcu_preempt self-detected stall on CPU",
            "[  120.0] INFO: task probe:77 blocked for more than 120 seconds.",
        ] {
            let (outcome, fault) = read(&["ok load", line, "VM-EXIT: 0"]);
            assert_eq!(
                outcome,
                Outcome {
                    passed: 1,
                    failed: 1
                },
                "{line}"
            );
            assert!(fault.is_some_and(|fault| fault.contains(line)));
        }
    }
}
