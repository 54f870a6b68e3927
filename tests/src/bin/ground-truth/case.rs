//! A labelled case: a client and its configuration, what happens to it, and what is true.

use anyhow::{Context, Result};
use serde_json::{Map, Value};

const CASES: &str = include_str!("../../../patterns/cases.json");

/// See the file's head.
#[derive(Clone, Debug)]
pub struct Case {
    pub name: String,
    /// python, or node.
    pub program: String,
    /// As `probe inject` takes it; empty for none.
    pub fault: String,
    /// What the client is told.
    pub client: Value,
    /// Whether each pattern is to be observed, and its parameters; what isn't named isn't judged.
    pub truth: Map<String, Value>,
}

/// Every case there is.
pub fn all() -> Result<Vec<Case>> {
    let cases: Vec<Value> = serde_json::from_str(CASES).context("tests/patterns/cases.json")?;
    cases.iter().map(Case::read).collect()
}

impl Case {
    fn read(value: &Value) -> Result<Self> {
        let word = |key: &str| {
            let word = value[key].as_str().map(str::to_owned);
            word.with_context(|| format!("no {key} in {value}"))
        };
        Ok(Self {
            name: word("name")?,
            program: word("program")?,
            fault: word("fault")?,
            client: value["client"].clone(),
            truth: value["truth"].as_object().context("no truth")?.clone(),
        })
    }
}
