//! A count of so many out of so many, held against a bound, lost events in mind.

use super::confidence;
use super::judge::Judged;
use crate::plan::Share;
use crate::quantity::Bound;
use crate::snapshot::Status;

/// Below so many calls, a figure has to be sure in the statistician's sense to count.
pub const FEW_CALLS: u64 = 5;

/// How sure a figure of few calls has to be.
pub const SURE: f64 = 0.95;

/// How many of how many. Where the hits can't be told exactly, `most` is above `least`.
pub(super) struct Count {
    pub(super) least: u64,
    pub(super) most: u64,
    pub(super) calls: u64,
    /// Events lost: as many calls may be missing, of whatever outcome.
    pub(super) lost: u64,
}

/// Judges a share; `evidence` says what was counted.
pub(super) fn judge(bound: &Bound<Share>, count: &Count, evidence: String) -> Judged {
    let share = |hits: u64, calls: u64| Share::new(hits.min(calls) as f64 / calls as f64);
    let Some(value) = share(count.most, count.calls) else {
        return Judged::unknown("no call ended");
    };
    let all = count.calls + count.lost;
    let extremes = [share(count.least, all), share(count.most + count.lost, all)];
    let holds = bound.holds(value);
    let certain = extremes
        .into_iter()
        .flatten()
        .all(|v| bound.holds(v) == holds);
    let confidence = confidence::of_share(
        count.most.min(count.calls),
        count.calls,
        bound.limit.value(),
    );
    Judged::new(bound.tell(value), holds, confidence, evidence).unless_unsure(
        certain,
        count.calls,
        count.lost,
    )
}

impl Judged {
    /// Says unknown where what is missing or too little could turn the judgement.
    pub(super) fn unless_unsure(mut self, certain: bool, calls: u64, lost: u64) -> Self {
        if !certain {
            self.status = Status::Unknown;
            self.evidence += match lost {
                0 => "; it could be either side of the limit",
                _ => "; lost events could turn it",
            };
        } else if calls < FEW_CALLS && self.confidence < SURE {
            self.status = Status::Unknown;
            self.evidence += "; too few to tell";
        }
        self
    }
}
