//! What probe recorded of a case, with what is true added, and in fewer figures.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::Path,
};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::case::{Case, Client};

/// Puts what is true of each client into a recording.
pub(super) fn finish(file: &Path, case: &Case, pids: &[u32]) -> Result<()> {
    let text = fs::read_to_string(file).context("reading the recording")?;
    let mut lines: Vec<Value> = Vec::new();
    for line in text.lines() {
        lines.push(serde_json::from_str(line)?);
    }
    let truths = case.clients.iter().zip(pids);
    let truths = truths.map(|(client, pid)| truth(&lines, case, client, *pid));
    let mut text: String = truths.map(|it| format!("{it}\n")).collect();
    let mut shorter = Shorter::default();
    for line in &mut lines {
        shorter.shorten(line);
        text += &format!("{line}\n");
    }
    fs::write(file, text).context("writing the recording")
}

/// What is true of a client and the dependency to which most of its calls were faulted.
fn truth(lines: &[Value], case: &Case, client: &Client, pid: u32) -> Value {
    let mut counts = BTreeMap::new();
    for attempt in lines.iter().map(|it| &it["attempt"]) {
        if attempt["service"] == pid && attempt["faulted"] == true {
            *counts.entry(attempt["dependency"].as_u64()).or_insert(0) += 1;
        }
    }
    let most = counts.iter().max_by_key(|it| *it.1);
    let mut truth = client.truth.clone();
    // Which number it would have is not known beforehand.
    truth.remove("alternate");
    truth.insert("case".into(), json!(case.name));
    truth.insert("service".into(), json!(pid));
    let dependency = most.and_then(|it| *it.0).unwrap_or(1);
    truth.insert("dependency".into(), json!(dependency));
    json!({ "truth": truth })
}

/// Says the same in fewer figures: times from the beginning on, and small numbers for what is only
/// told apart by them.
#[derive(Default)]
struct Shorter {
    base_ns: Option<u64>,
    numbers: HashMap<(String, u64), u64>,
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
