//! What the client is told.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// See the head of `main.rs`.
#[derive(Clone, Debug)]
pub struct Config {
    pub library: String,
    pub timeout: Option<Duration>,
    pub retry: Option<Retry>,
    pub limit: Option<usize>,
    pub sheds: bool,
    pub fallback: bool,
    pub workers: u64,
    pub rest: Duration,
    pub serves: Option<u16>,
}

/// How a call that failed is made again.
#[derive(Clone, Copy, Debug)]
pub struct Retry {
    /// All there are, the first included.
    pub attempts: usize,
    /// The first wait.
    pub min: Duration,
    /// The longest.
    pub max: Duration,
    /// By what waits grow; 1 for waits that are all alike.
    pub factor: f64,
    /// The share of a wait that chance may add to it.
    pub jitter: f64,
}

/// `customers` is for those who ask the service.
const WORDS: [&str; 10] = [
    "library",
    "timeout",
    "retry",
    "limit",
    "sheds",
    "fallback",
    "workers",
    "rest",
    "serves",
    "customers",
];

impl Config {
    /// Reads it; what isn't known is a mistake.
    pub fn read(text: &str) -> Result<Self> {
        let value: Value = serde_json::from_str(text).context("reading the configuration")?;
        let words = value
            .as_object()
            .context("the configuration is no object")?;
        if let Some(unknown) = words.keys().find(|it| !WORDS.contains(&it.as_str())) {
            bail!("{unknown:?} is not known\nhint: {}", WORDS.join(", "));
        }
        let library = value["library"].as_str().context("no library")?;
        let retry = &value["retry"];
        Ok(Self {
            library: library.to_owned(),
            timeout: ms(&value["timeout"]),
            retry: retry.is_object().then(|| Retry::read(retry)).transpose()?,
            limit: value["limit"].as_u64().map(|it| it as usize),
            sheds: value["sheds"] == true,
            fallback: value["fallback"] == true,
            workers: value["workers"].as_u64().unwrap_or(1),
            rest: ms(&value["rest"]).unwrap_or_default(),
            serves: value["serves"].as_u64().map(u16::try_from).transpose()?,
        })
    }
}

impl Retry {
    fn read(value: &Value) -> Result<Self> {
        let attempts = value["attempts"].as_u64().filter(|it| *it > 0);
        let attempts = attempts.context("no attempts")? as usize;
        let every = ms(&value["every"]);
        let min = every.or_else(|| ms(&value["min"]));
        let factor = value["factor"].as_f64().unwrap_or(2.0);
        Ok(Self {
            attempts,
            min: min.context("neither min nor every")?,
            max: ms(&value["max"]).unwrap_or(Duration::from_secs(60)),
            factor: every.map_or(factor, |_| 1.0),
            jitter: value["jitter"].as_f64().unwrap_or_default(),
        })
    }
}

fn ms(value: &Value) -> Option<Duration> {
    value.as_u64().map(Duration::from_millis)
}
