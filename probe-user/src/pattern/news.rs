//! What changed in what is told of each service and dependency, in words for a timeline.

use std::collections::HashMap;

use super::finding::{Findings, Verdict};

/// Verdicts remembered; beyond, all are told anew.
const MOST: usize = 32_768;

/// A verdict that is another than before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct News {
    /// The calling process.
    pub service: u32,
    /// Whom it calls, in the feeder's numbers.
    pub dependency: u32,
    /// Which pattern: `circuit_breaker`.
    pub pattern: &'static str,
    /// What is told of it now.
    pub verdict: Verdict,
    /// Why, or which parameters.
    pub words: String,
}

/// What was told last.
#[derive(Debug, Default)]
pub struct Told {
    verdicts: HashMap<(u32, u32, &'static str), Verdict>,
}

impl Told {
    /// What is told for the first time, or otherwise than the last time. That nothing is known is
    /// news only where something was.
    pub fn compare<'a>(&mut self, findings: impl Iterator<Item = &'a Findings>) -> Vec<News> {
        let mut news = Vec::new();
        if self.verdicts.len() > MOST {
            self.verdicts.clear();
        }
        for found in findings {
            for (pattern, ground) in found.grounds() {
                let key = (found.service, found.dependency, pattern);
                let before = self.verdicts.get(&key).copied().unwrap_or_default();
                if before == ground.verdict {
                    continue;
                }
                self.verdicts.insert(key, ground.verdict);
                news.push(News {
                    service: found.service,
                    dependency: found.dependency,
                    pattern,
                    verdict: ground.verdict,
                    words: ground.evidence.clone(),
                });
            }
        }
        news
    }
}
