//! ureq, which blocks, with backon's retries around each call: a thread for each worker.

use std::{thread, time::Duration};

use anyhow::Result;
use backon::{BlockingRetryable, ConstantBuilder, ExponentialBuilder};
use ureq::Agent;

use crate::{
    chance::Chance,
    config::{Config, Retry},
};

/// Calls until it is ended.
pub fn run(config: &Config, server: &str) -> Result<()> {
    let chance = Chance::from_environment()?;
    let agent: Agent = Agent::config_builder()
        .timeout_global(config.timeout)
        .build()
        .into();
    println!("ready");
    thread::scope(|scope| {
        for _ in 0..config.workers {
            scope.spawn(|| {
                loop {
                    let url = format!("{server}{}", chance.path());
                    // What comes of it is for probe to see.
                    let _ = call(&agent, &url, config.retry, &chance);
                    thread::sleep(config.rest);
                }
            });
        }
    });
    Ok(())
}

fn call(
    agent: &Agent,
    url: &str,
    retry: Option<Retry>,
    chance: &Chance,
) -> Result<(), ureq::Error> {
    let once = || {
        // Statuses from 400 on are errors here.
        let mut response = agent.get(url).call()?;
        response.body_mut().read_to_vec().map(drop)
    };
    match retry {
        None => once(),
        Some(it) if it.factor <= 1.0 => once.retry(constant(it)).call(),
        Some(it) => once.retry(exponential(it, chance.seed())).call(),
    }
}

fn constant(retry: Retry) -> ConstantBuilder {
    ConstantBuilder::default()
        .with_delay(retry.min)
        .with_max_times(retry.attempts - 1)
}

/// Its jitter is all or nothing: up to the wait itself is added.
fn exponential(retry: Retry, seed: u64) -> ExponentialBuilder {
    let builder = ExponentialBuilder::default()
        .with_min_delay(retry.min)
        .with_max_delay(Duration::max(retry.max, retry.min))
        .with_factor(retry.factor as f32)
        .with_max_times(retry.attempts - 1)
        .with_jitter_seed(seed);
    match retry.jitter > 0.0 {
        true => builder.with_jitter(),
        false => builder,
    }
}
