//! `probe observe` on one endpoint, by its summary and by its single calls at once, and what it saw.

use std::{collections::BTreeSet, net::SocketAddr};

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;
use serde_json::Value;

use crate::Probe;

/// Two probes that observe calls of one endpoint.
#[derive(Debug)]
pub struct Watch {
    to: SocketAddr,
    summing: Probe,
    telling: Option<Probe>,
}

/// What they saw.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The whole summary.
    pub summary: Value,
    /// Each outgoing call by itself.
    pub calls: Vec<Value>,
    to: SocketAddr,
}

/// What was counted of calls to the endpoint, by all processes together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// All that ended.
    pub calls: u64,
    /// Those that were answered well.
    pub ok: u64,
    /// Those that failed.
    pub errors: u64,
    /// Those whose caller left.
    pub abandoned: u64,
}

impl Watch {
    /// Begins to observe. Ports below 32768, and of one test alone.
    ///
    /// # Errors
    /// Where probe doesn't start.
    pub fn start(to: SocketAddr) -> Result<Self> {
        let mut watch = Self::summing(to)?;
        let mut telling = Probe::start(&format!("observe -v -o json --events --to {to}"))?;
        telling.wait_for("observing")?;
        watch.telling = Some(telling);
        Ok(watch)
    }

    /// Begins to observe without telling single calls, which costs less.
    ///
    /// # Errors
    /// Where probe doesn't start.
    pub fn summing(to: SocketAddr) -> Result<Self> {
        let mut summing = Probe::start(&format!("observe -v -o json --to {to}"))?;
        summing.wait_for("observing")?;
        Ok(Self {
            to,
            summing,
            telling: None,
        })
    }

    /// Ends it.
    ///
    /// # Errors
    /// Where probe failed, or lost an event.
    pub fn finish(self) -> Result<Seen> {
        let ended = self.summing.end(Signal::SIGINT)?;
        ensure!(ended.code() == 0, "{ended:?}");
        let summary = ended.json()?;
        ensure!(summary["lost_events"] == 0, "{summary:#}");
        let mut calls = Vec::new();
        if let Some(probe) = self.telling {
            let ended = probe.end(Signal::SIGINT)?;
            ensure!(ended.code() == 0, "{ended:?}");
            let lines = ended.stdout.lines();
            let told = lines.map(|line| serde_json::from_str(line).context("a line of events"));
            calls = told.collect::<Result<_>>()?;
        }
        calls.retain(|call: &Value| {
            call["schema"] == "probe.call/1" && !call["dependency"].is_null()
        });
        Ok(Seen {
            summary,
            calls,
            to: self.to,
        })
    }
}

impl Seen {
    /// The endpoint as dependencies, one for each process that called it.
    pub fn dependencies(&self) -> impl Iterator<Item = &Value> {
        let remote = self.to.to_string();
        let all = self.summary["dependencies"].as_array().into_iter();
        all.flatten().filter(move |it| it["remote"] == remote)
    }

    /// The endpoint as services.
    pub fn services(&self) -> impl Iterator<Item = &Value> {
        let port = format!(":{}", self.to.port());
        let all = self.summary["services"].as_array().into_iter();
        let listens =
            move |it: &&Value| it["listen"].as_str().is_some_and(|at| at.ends_with(&port));
        all.flatten().filter(listens)
    }

    /// What its callers saw.
    pub fn outgoing(&self) -> Counted {
        Counted::of(self.dependencies())
    }

    /// What it saw itself.
    pub fn incoming(&self) -> Counted {
        Counted::of(self.services())
    }

    /// Protocols by which it was called.
    pub fn protocols(&self) -> BTreeSet<String> {
        let all = self.dependencies().chain(self.services());
        let names = all.filter_map(|it| it["protocol"].as_str().map(str::to_owned));
        names.collect()
    }

    /// A quantile of its callers' latencies, `p50` or `p99`, where there is one caller.
    ///
    /// # Errors
    /// Where there is not.
    pub fn latency_us(&self, quantile: &str) -> Result<u64> {
        let all: Vec<_> = self.dependencies().collect();
        ensure!(all.len() == 1, "{} callers: {:#}", all.len(), self.summary);
        let figure = all[0]["latency_us"][quantile].as_u64();
        figure.context("no latency")
    }

    /// How many single calls had an outcome.
    pub fn ended(&self, outcome: &str) -> usize {
        let calls = self.calls.iter();
        calls.filter(|call| call["outcome"] == outcome).count()
    }

    /// Holds what was seen against what was done, by both ends and call by call: so many calls, so
    /// many of them failed, and that protocol.
    ///
    /// # Errors
    /// Where they differ, with the whole summary.
    pub fn ensure(&self, protocol: &str, calls: u64, errors: u64) -> Result<()> {
        let counted = Counted {
            calls,
            ok: calls - errors,
            errors,
            abandoned: 0,
        };
        let (outgoing, incoming) = (self.outgoing(), self.incoming());
        let told = (self.calls.len() as u64, self.ended("error") as u64);
        println!(
            "{protocol}: {calls} calls and {errors} errors made; seen {:?}, {outgoing:?}, \
             by the server {incoming:?}, told {told:?}",
            self.protocols()
        );
        ensure!(outgoing == counted, "{outgoing:?}: {:#}", self.summary);
        ensure!(incoming == counted, "{incoming:?}: {:#}", self.summary);
        ensure!(told == (calls, errors), "{told:?} told of {counted:?}");
        let protocols: Vec<_> = self.protocols().into_iter().collect();
        ensure!(protocols == [protocol], "{protocols:?}");
        Ok(())
    }
}

impl Counted {
    fn of<'a>(all: impl Iterator<Item = &'a Value>) -> Self {
        let mut counted = Self::default();
        for it in all {
            let count = |name: &str| it[name].as_u64().unwrap_or(0);
            counted.calls += count("calls");
            counted.ok += count("ok");
            counted.errors += count("errors");
            counted.abandoned += count("abandoned");
        }
        counted
    }
}

/// The p50 and the p99 of figures: the smallest that so many percent of them are no larger than.
pub fn quantiles(figures: &[u64]) -> [u64; 2] {
    let mut sorted = figures.to_vec();
    sorted.sort_unstable();
    [50, 99].map(|percent| {
        let place = (sorted.len() * percent).div_ceil(100).max(1) - 1;
        sorted.get(place).copied().unwrap_or(0)
    })
}

/// Tells by how much p50 and p99 are off that should be those of the driver's own clock: within
/// 5 % or 200 µs.
///
/// # Errors
/// Where there is no figure to compare.
pub fn off(driver: &str, seen: &Seen, own_us: [u64; 2]) -> Result<Vec<String>> {
    let mut off = Vec::new();
    for (quantile, own) in ["p50", "p99"].into_iter().zip(own_us) {
        let observed = seen.latency_us(quantile)?;
        let line =
            format!("{driver} {quantile}: {observed} µs observed, {own} µs by its own clock");
        println!("{line}");
        if observed.abs_diff(own) > (own / 20).max(200) {
            off.push(line);
        }
    }
    Ok(off)
}
