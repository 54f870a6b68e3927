//! How the customers fared: the shop's availability as those see it whom it is there for.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};

use crate::client::{Answer, Failure};
use crate::latency::Latencies;
use crate::shop::DEGRADED;

/// Counts visits.
#[derive(Default)]
pub(super) struct Tally(Mutex<(Counts, Latencies)>);

/// Visits by how they ended. A degraded one was served, if not with everything.
#[derive(Clone, Default, Serialize)]
struct Counts {
    requests: u64,
    ok: u64,
    degraded: u64,
    failed: u64,
    gave_up: u64,
}

impl Tally {
    /// Counts one visit that took so long, from when the customer wanted to come.
    pub(super) fn add(&self, result: &Result<Answer, Failure>, took: Duration) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (counts, latencies) = &mut *inner;
        counts.requests += 1;
        match result {
            Ok(answer) if answer.status < 400 => {
                counts.ok += 1;
                counts.degraded += u64::from(answer.headers.contains_key(DEGRADED));
            }
            Err(failure) if failure.is_timeout() => counts.gave_up += 1,
            _ => counts.failed += 1,
        }
        latencies.add_ns(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
    }

    /// The figures, with those of `unfinished` who were inside at the end.
    pub(super) fn summary(&self, unfinished: usize) -> Value {
        let inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (counts, latencies) = &*inner;
        let mut summary = json!(counts);
        let availability = counts.ok as f64 / counts.requests as f64;
        // Null without a request: nobody knows.
        summary["availability"] = json!(availability.is_finite().then_some(availability));
        summary["unfinished"] = json!(unfinished);
        summary["latency_us"] = json!(latencies.summary());
        summary
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use hyper::HeaderMap;

    use super::*;

    fn answer(status: u16, degraded: bool) -> Result<Answer, Failure> {
        let mut headers = HeaderMap::new();
        if degraded {
            headers.insert(DEGRADED, hyper::http::HeaderValue::from_static("payments"));
        }
        Ok(Answer {
            status,
            headers,
            body: Bytes::new(),
            latency_ns: 0,
        })
    }

    #[test]
    fn availability_is_the_share_of_those_served() {
        let tally = Tally::default();
        let failures = [Err(Failure::Timeout), Err(Failure::Refused)];
        for result in
            failures
                .into_iter()
                .chain([answer(200, false), answer(200, true), answer(503, false)])
        {
            tally.add(&result, Duration::from_millis(20));
        }
        let summary = tally.summary(2);
        let expect = [
            ("requests", 5),
            ("ok", 2),
            ("degraded", 1),
            ("failed", 2),
            ("gave_up", 1),
        ];
        for (key, expected) in expect {
            assert_eq!(summary[key], expected, "{key}");
        }
        assert_eq!(summary["availability"], 0.4);
        assert_eq!(summary["unfinished"], 2);
    }

    #[test]
    fn availability_of_no_visit_is_unknown() {
        assert_eq!(Tally::default().summary(0)["availability"], Value::Null);
    }
}
