//! One run of a case: server and clients in two namespaces, probe observing the clients', and a
//! fault in the middle.

use std::{path::Path, thread, time::Duration};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::{
    case::Case,
    client::{self, Guest},
    recording,
};
use crate::{Pair, Probe};

const PORT: &str = "8088";
const ALTERNATE: &str = "8090";
const SERVER: &str = "10.88.0.2";
const CLIENT: &str = "10.88.0.1";
const CALM_S: u64 = 7;
/// Longer than breakers of these cases stay open.
const AFTER_S: u64 = 7;
/// A change so shortly before the end needn't show any more.
const AT_THE_END_MS: u64 = 500;
/// Where the breaker's own account is put beside what probe said.
pub(super) const OWN_CHANGES: &str = "own_changes";
const SETTLE: Duration = Duration::from_millis(500);
/// Seeds of the programs of one run are other than those of the next.
const PROGRAMS: u64 = 16;

/// What probe said of each client and the server; null where it knew of no such client. Clients,
/// server and fault draw from `seed`.
///
/// # Errors
/// Where something can't be started, or events were lost.
pub fn run(case: &Case, seed: u64, recording: Option<&Path>) -> Result<Vec<Value>> {
    let pair = Pair::new()?;
    let mut seeds = (seed * PROGRAMS..).take(PROGRAMS as usize);
    let mut next = || seeds.next().context("too many programs");
    let _server = client::server(&pair.far, &customers(case), next()?)?;
    let _alternate = client::server(&pair.far, &[ALTERNATE.to_owned()], next()?)?;
    let clients = case.clients.iter().map(|it| {
        let seed = next()?;
        client::client(&pair.near, it, (SERVER, PORT), seed)
    });
    let clients: Vec<Guest> = clients.collect::<Result<_>>()?;
    // A connection that is made just while probe begins may be one that it never hears of.
    thread::sleep(SETTLE);
    let document = observe(case, seed, &pair, recording)?;
    let remote = format!("{SERVER}:{PORT}");
    let patterns = document["patterns"].as_array().context("no patterns")?;
    let found = |pid: u32| {
        let is = |it: &&Value| it["service"]["pid"] == pid && it["remote"] == *remote;
        patterns.iter().find(is).cloned().unwrap_or_default()
    };
    let pids: Vec<u32> = clients.iter().map(Guest::pid).collect();
    if let Some(file) = recording {
        recording::finish(file, case, &pids)?;
    }
    let said = clients.iter().map(|client| {
        let mut said = found(client.pid());
        if !said.is_null() {
            said[OWN_CHANGES] = changes(client, &document);
        }
        said
    });
    Ok(said.collect())
}

/// A breaker's own changes while it was observed, as probe tells them.
fn changes(client: &Guest, document: &Value) -> Value {
    let from_ns = document["from_ns"].as_u64().unwrap_or_default();
    let until_ms = document["window_ms"].as_u64().unwrap_or_default();
    let changes = client.changes().into_iter().filter_map(|it| {
        let at_ms = it.at_ns.checked_sub(from_ns)? / 1_000_000;
        (at_ms + AT_THE_END_MS < until_ms).then(|| json!({"at_ms": at_ms, "state": it.state}))
    });
    changes.collect()
}

/// What the server is told: its port, and which service to call, how often.
fn customers(case: &Case) -> Vec<String> {
    let mut words = vec![PORT.to_owned()];
    let configurations = case.clients.iter().map(|it| &it.configuration);
    if let Some(it) = configurations
        .into_iter()
        .find(|it| !it["serves"].is_null())
    {
        words.extend([CLIENT.to_owned(), it["serves"].to_string()]);
        words.push(it["customers"].to_string());
        let surge = it["surge"].as_array().into_iter().flatten();
        words.extend(surge.map(ToString::to_string));
    }
    words
}

/// Lets probe observe, with the fault in the middle; what it said at the end.
fn observe(case: &Case, seed: u64, pair: &Pair, recording: Option<&Path>) -> Result<Value> {
    let netns = &pair.near.name;
    let all = CALM_S + case.fault_s + AFTER_S;
    let record = match recording {
        Some(file) => format!(" --recording {}", file.display()),
        None => String::new(),
    };
    let mut probe = Probe::start(&format!(
        "observe -v --netns {netns} --for {all}s -o json{record}"
    ))?;
    probe.wait_for("observing")?;
    // The calm that the fault is compared with: it is the passing of time that matters.
    thread::sleep(Duration::from_secs(CALM_S));
    if !case.fault.is_empty() {
        let (fault, fault_s) = (&case.fault, case.fault_s);
        let injected = Probe::inject(&format!(
            "{fault} --to {SERVER}:{PORT} --netns {netns} --seed {seed} --for {fault_s}s"
        ))?;
        let ended = injected.finish_within(Duration::from_secs(fault_s + 20))?;
        ensure!(ended.code() == 0, "{ended:?}");
    }
    let document = probe.finish_within(Duration::from_secs(all + 20))?.json()?;
    ensure!(document["lost_events"] == 0, "events were lost");
    Ok(document)
}
