//! How many tests passed, failed and were skipped, and how to read that from what cargo prints.

use std::fmt;
use std::ops::AddAssign;

/// Counts of tests.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Count {
    pub(super) passed: u32,
    pub(super) failed: u32,
    pub(super) skipped: u32,
    /// Which failed, where they have names: said again in the last lines, which may be all that
    /// somebody gets to see.
    pub(super) failures: Vec<String>,
}

impl Count {
    /// One test, passed or failed.
    pub(super) fn one(passed: bool) -> Self {
        Self {
            passed: u32::from(passed),
            failed: u32::from(!passed),
            ..Self::default()
        }
    }

    /// One test that could not run.
    pub(super) fn skipped() -> Self {
        Self {
            skipped: 1,
            ..Self::default()
        }
    }

    /// Reads the line a test program ends with. Tests it ignores are another stage's, and what is
    /// filtered out was not asked for: neither counts here.
    pub(super) fn of_line(line: &str) -> Option<Self> {
        let rest = line.strip_prefix("test result: ")?;
        let number = |word: &str| -> Option<u32> {
            let part = rest
                .split([';', '.'])
                .find(|part| part.trim_end().ends_with(word))?;
            part.split_whitespace().next()?.parse().ok()
        };
        Some(Self {
            passed: number("passed")?,
            failed: number("failed")?,
            ..Self::default()
        })
    }
}

/// The test that failed, read from the line that tells it.
pub(super) fn failure_of_line(line: &str) -> Option<String> {
    let name = line.strip_prefix("test ")?.strip_suffix(" ... FAILED")?;
    Some(name.to_owned())
}

impl AddAssign for Count {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
        self.failures.extend(other.failures);
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        if self.skipped > 0 {
            write!(f, ", {} skipped", self.skipped)?;
        }
        if !self.failures.is_empty() {
            write!(f, ": {}", self.failures.join(", "))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_last_line_of_a_test_program() {
        let line = "test result: FAILED. 36 passed; 2 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.08s";
        assert_eq!(
            Count::of_line(line),
            Some(Count {
                passed: 36,
                failed: 2,
                ..Count::default()
            })
        );
        let line = "test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 3 filtered out; finished in 1.00s";
        assert_eq!(Count::of_line(line), Some(Count::default()));
        assert_eq!(Count::of_line("test result of mine: 3 passed"), None);
    }

    #[test]
    fn says_skips_only_where_there_are_any() {
        let mut count = Count {
            passed: 3,
            failed: 1,
            ..Count::default()
        };
        assert_eq!(count.to_string(), "3 passed, 1 failed");
        count += Count::skipped();
        assert_eq!(count.to_string(), "3 passed, 1 failed, 1 skipped");
    }

    #[test]
    fn says_which_failed() {
        let mut count = Count::one(false);
        let line = "test of_a_flood_every_packet_arrives ... FAILED";
        count.failures.extend(failure_of_line(line));
        count
            .failures
            .extend(failure_of_line("test it_rains ... ok"));
        let told = "0 passed, 1 failed: of_a_flood_every_packet_arrives";
        assert_eq!(count.to_string(), told);
    }
}
