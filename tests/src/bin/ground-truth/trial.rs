//! One run of a case: server and client in two namespaces, probe observing the client's, and a
//! fault in the middle.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use tests::{Netns, Pair, Probe, tool::Tool};

use crate::case::Case;

const PORT: &str = "8088";
const ALTERNATE: &str = "8090";
const SERVER: &str = "10.88.0.2";
const CLIENT: &str = "10.88.0.1";
const CALM: Duration = Duration::from_secs(7);
const SETTLE: Duration = Duration::from_millis(500);
const FAULT: &str = "8s";
const ALL: &str = "22s";

/// A child that is ended with its owner.
struct Guest(Child);

impl Drop for Guest {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What probe said of the client and the server; null where it knew of no such client.
pub fn run(case: &Case, recording: Option<&Path>) -> Result<Value> {
    let pair = Pair::new()?;
    let mut words = vec![PORT.to_owned()];
    if !case.client["serves"].is_null() {
        words.extend([CLIENT.to_owned(), case.client["serves"].to_string()]);
        words.push(case.client["customers"].to_string());
        let surge = case.client["surge"].as_array().into_iter().flatten();
        words.extend(surge.map(ToString::to_string));
    }
    let _server = guest(&pair.far, python("server.py")?.args(words))?;
    let _alternate = guest(&pair.far, python("server.py")?.arg(ALTERNATE))?;
    let mut command = match &*case.program {
        "node" => {
            let mut node = Tool::find("node")?.command();
            node.arg(script("client.mjs"));
            node
        }
        _ => python("client.py")?,
    };
    let client = guest(
        &pair.near,
        command.args([SERVER, PORT]).arg(case.client.to_string()),
    )?;
    // A connection that is made just while probe begins may be one that it never hears of.
    thread::sleep(SETTLE);
    let pid = client.0.id();
    let netns = &pair.near.name;
    let record = match recording {
        Some(file) => format!(" --recording {}", file.display()),
        None => String::new(),
    };
    let mut probe = Probe::start(&format!(
        "observe -v --netns {netns} --for {ALL} -o json{record}"
    ))?;
    probe.wait_for("observing")?;
    // The calm that the fault is compared with: it is the passing of time that matters.
    thread::sleep(CALM);
    if !case.fault.is_empty() {
        let fault = &case.fault;
        let injected = Probe::inject(&format!(
            "{fault} --to {SERVER}:{PORT} --netns {netns} --for {FAULT}"
        ))?;
        let ended = injected.finish()?;
        ensure!(ended.code() == 0, "{ended:?}");
    }
    let document = probe.finish()?.json()?;
    ensure!(document["lost_events"] == 0, "events were lost");
    let remote = format!("{SERVER}:{PORT}");
    let patterns = document["patterns"].as_array().context("no patterns")?;
    let is = |it: &&Value| it["service"]["pid"] == pid && it["remote"] == *remote;
    let found = patterns.iter().find(is).cloned().unwrap_or_default();
    if let Some(file) = recording {
        add_truth(file, case, pid)?;
    }
    Ok(found)
}

/// Puts what is true into a recording, of the dependency with most calls.
fn add_truth(file: &Path, case: &Case, pid: u32) -> Result<()> {
    let text = fs::read_to_string(file).context("reading the recording")?;
    let mut counts = std::collections::BTreeMap::new();
    for line in text.lines() {
        let line: Value = serde_json::from_str(line)?;
        let attempt = &line["attempt"];
        if attempt["service"] == pid && attempt["faulted"] == true {
            *counts.entry(attempt["dependency"].as_u64()).or_insert(0) += 1;
        }
    }
    let most = counts.iter().max_by_key(|it| *it.1);
    let mut truth = case.truth.clone();
    // Which number it would have is not known beforehand.
    truth.remove("alternate");
    truth.insert("case".into(), json!(case.name));
    truth.insert("service".into(), json!(pid));
    let dependency = most.and_then(|it| *it.0).unwrap_or(1);
    truth.insert("dependency".into(), json!(dependency));
    let mut shorter = Shorter::default();
    let mut lines = vec![json!({ "truth": truth }).to_string()];
    for line in text.lines() {
        let mut line: Value = serde_json::from_str(line)?;
        shorter.shorten(&mut line);
        lines.push(line.to_string());
    }
    fs::write(file, lines.join("\n") + "\n")?;
    Ok(())
}

/// Says the same in fewer figures: times from the beginning on, and small numbers for what is only
/// told apart by them.
#[derive(Default)]
struct Shorter {
    base_ns: Option<u64>,
    numbers: std::collections::HashMap<(String, u64), u64>,
}

impl Shorter {
    /// Before the first call there is time for what went before it.
    const HEAD_NS: u64 = 30_000_000_000;

    fn shorten(&mut self, line: &mut Value) {
        let Some(fields) = line.as_object_mut() else {
            return;
        };
        for fields in fields.values_mut().filter_map(Value::as_object_mut) {
            for (name, value) in fields {
                let Some(number) = value.as_u64() else {
                    continue;
                };
                if name.ends_with("_ns") && name != "connect_ns" && number != 0 {
                    let base = *self.base_ns.get_or_insert(number);
                    *value = json!(number.saturating_add(Self::HEAD_NS).saturating_sub(base));
                } else if ["connection", "tid", "fingerprint"].contains(&&**name) && number != 0 {
                    let next = self.numbers.len() as u64 + 1;
                    let known = self.numbers.entry((name.clone(), number)).or_insert(next);
                    *value = json!(*known);
                }
            }
        }
    }
}

fn script(name: &str) -> String {
    format!("{}/patterns/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn python(name: &str) -> Result<Command> {
    let mut python = Tool::python_with_patterns()?;
    python.arg(script(name));
    Ok(python)
}

/// Starts a program and waits until it says that it is ready.
fn guest(netns: &Netns, command: &mut Command) -> Result<Guest> {
    let words = format!("{command:?}");
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = netns.within(|| command.spawn().with_context(|| words.clone()))?;
    let stdout = child.stdout.take().context("no standard output")?;
    let guest = Guest(child);
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line)?;
    if line.trim() != "ready" {
        bail!("{words}: said {line:?}");
    }
    Ok(guest)
}
