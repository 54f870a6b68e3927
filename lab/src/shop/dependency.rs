//! A dependency as the shop calls it: through every pattern the shop has.
//!
//! The order, from the customer inwards, is fallback, retry, bulkhead, circuit breaker, timeout,
//! call. **Fallback** outermost: it answers for whatever went wrong further in, refusals of our
//! own included. **Retry** outside all protections, so that each attempt goes through them anew:
//! one that the breaker refuses ends the retrying, and pauses are spent without a place in the
//! bulkhead. **Bulkhead** outside the breaker: being full says something about us, not about the
//! dependency, so it must neither count as a failure there nor use up the probe of a half-open
//! circuit. **Timeout** innermost: running out of time is how the breaker learns of a dependency
//! that hangs, and an attempt's time must not include the pauses between attempts.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use rand::rngs::SmallRng;
use serde_json::{Map, Value, json};
use tokio::time::sleep;

use super::bulkhead::Bulkhead;
use super::call_error::CallError;
use super::circuit_breaker::{Guard, Settings};
use super::pattern::Patterns;
use super::retry::Retry;
use super::tally::Tally;
use super::timeout::Timeout;
use crate::client::Client;
use crate::seed;
use crate::topology::Role;

/// A dependency behind the patterns that the shop has.
pub(crate) struct Dependency {
    /// Who is called.
    pub(crate) role: Role,
    client: Client,
    timeout: Option<Timeout>,
    retry: Option<Retry>,
    bulkhead: Option<Bulkhead>,
    breaker: Option<Guard>,
    tally: Tally,
    jitter: Mutex<SmallRng>,
}

impl Dependency {
    /// Puts the patterns in front of `client`.
    pub(crate) fn new(
        role: Role,
        client: Client,
        patterns: Patterns,
        seed: u64,
        verbose: bool,
    ) -> Self {
        let breaker = || Guard::new(role, Settings::default(), verbose);
        let label = format!("shop's retries of {}", role.name());
        Self {
            role,
            client,
            timeout: patterns.timeout.then(Timeout::default),
            retry: patterns.retry.then(Retry::default),
            bulkhead: patterns.bulkhead.then(Bulkhead::default),
            breaker: patterns.circuit_breaker.then(breaker),
            tally: Tally::default(),
            jitter: Mutex::new(seed::stream(seed, &label)),
        }
    }

    /// Calls for a customer who came at `since`, as often as the retry pattern has it.
    pub(crate) async fn call(
        &self,
        request: impl Fn() -> Request<Full<Bytes>>,
        since: Instant,
    ) -> Result<Map<String, Value>, CallError> {
        let mut retries = 0;
        loop {
            let error = match self.attempt(request(), retries > 0).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let Some(pause) = self.pause_after(error, retries, since.elapsed()) else {
                return Err(error);
            };
            sleep(pause).await;
            retries += 1;
        }
    }

    /// What was counted of the calls, and what the breaker did.
    pub(crate) fn summary(&self) -> Value {
        let mut summary = self.tally.summary();
        summary["circuit_breaker"] = json!(self.breaker.as_ref().map(Guard::summary));
        summary
    }

    fn pause_after(&self, error: CallError, retries: u32, elapsed: Duration) -> Option<Duration> {
        let retry = self.retry.filter(|_| error.is_worth_retrying())?;
        let limit = self
            .timeout
            .map_or(Duration::ZERO, |timeout| timeout.per_attempt);
        let mut jitter = self.jitter.lock().unwrap_or_else(PoisonError::into_inner);
        retry.pause(retries, elapsed, limit, &mut *jitter)
    }

    async fn attempt(
        &self,
        request: Request<Full<Bytes>>,
        is_retry: bool,
    ) -> Result<Map<String, Value>, CallError> {
        let keep_back = |reason| {
            self.tally.kept_back(reason);
            reason
        };
        let _place = match &self.bulkhead {
            Some(bulkhead) => Some(
                bulkhead
                    .try_enter()
                    .ok_or_else(|| keep_back(CallError::BulkheadFull))?,
            ),
            None => None,
        };
        let pass = match &self.breaker {
            Some(breaker) => Some(
                breaker
                    .try_pass()
                    .ok_or_else(|| keep_back(CallError::CircuitOpen))?,
            ),
            None => None,
        };
        let result = self.call_once(request, is_retry).await;
        if let Some(pass) = pass {
            pass.report(result.is_ok());
        }
        result
    }

    async fn call_once(
        &self,
        request: Request<Full<Bytes>>,
        is_retry: bool,
    ) -> Result<Map<String, Value>, CallError> {
        let under_way = self.tally.begin(is_retry);
        let patience = self.timeout.map(|timeout| timeout.per_attempt);
        let result = match self.client.call(request, patience).await {
            Err(failure) => Err(CallError::Failed(failure)),
            Ok(answer) => {
                under_way.answered(answer.latency_ns);
                if answer.is_server_error() {
                    Err(CallError::ServerError)
                } else {
                    serde_json::from_slice(&answer.body).map_err(|_| CallError::Malformed)
                }
            }
        };
        under_way.finish(result.as_ref().map(|_| ()).map_err(|error| *error));
        result
    }
}
