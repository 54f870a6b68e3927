//! Randomness that is the same for the same seed, shared by all who need some.

use std::{
    env,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::{Context, Result};
use rand::{Rng as _, RngCore as _, SeedableRng, rngs::StdRng};

/// One source; clones draw from it in turn. tower clones what it is given for every call, and
/// would draw the same waits for each from a source that is copied.
#[derive(Clone, Debug)]
pub struct Chance(Arc<Mutex<StdRng>>);

impl Chance {
    /// From `PATTERN_SEED`, or 0 where there is none.
    pub fn from_environment() -> Result<Self> {
        let seed = env::var("PATTERN_SEED").unwrap_or_else(|_| "0".to_owned());
        let seed = seed.parse().context("reading PATTERN_SEED")?;
        Ok(Self(Arc::new(Mutex::new(StdRng::seed_from_u64(seed)))))
    }

    /// Something that hardly anybody asks for twice.
    pub fn path(&self) -> String {
        let number = self.draw(|it| it.random_range(0..1_000_000_000_u32));
        format!("/item/{number}")
    }

    /// A seed for somebody who wants one.
    pub fn seed(&self) -> u64 {
        self.draw(|it| it.next_u64())
    }

    fn draw<T>(&self, what: impl FnOnce(&mut StdRng) -> T) -> T {
        what(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl tower::util::rng::Rng for Chance {
    fn next_u64(&mut self) -> u64 {
        self.seed()
    }
}
