//! An experiment as its file says it, its placeholders filled in.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::LeftOut;
use crate::mistake::Mistake;

/// See the file's head.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Experiment {
    pub(super) title: String,
    #[serde(default)]
    pub(super) description: String,
    #[serde(default, rename = "steady-state-hypothesis")]
    pub(super) hypothesis: Option<Hypothesis>,
    #[serde(default)]
    pub(super) method: Vec<Activity>,
    #[serde(default)]
    pub(super) rollbacks: Vec<Activity>,
    #[serde(default)]
    controls: Vec<Value>,
    #[serde(default)]
    secrets: BTreeMap<String, Value>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Hypothesis {
    #[serde(default)]
    pub(super) title: String,
    #[serde(default)]
    pub(super) probes: Vec<Activity>,
}

/// An action or a probe.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Activity {
    #[serde(default, rename = "type")]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) name: String,
    #[serde(default)]
    pub(super) provider: Provider,
    #[serde(default)]
    pub(super) tolerance: Option<Value>,
    #[serde(default)]
    pub(super) background: bool,
    #[serde(default)]
    pub(super) pauses: Pauses,
    /// Another activity that stands here, by its name.
    #[serde(default, rename = "ref")]
    pub(super) reference: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Provider {
    #[serde(default, rename = "type")]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) path: String,
    #[serde(default)]
    pub(super) arguments: Value,
    #[serde(default)]
    pub(super) headers: Value,
    #[serde(default)]
    pub(super) url: String,
    #[serde(default)]
    pub(super) method: Option<String>,
    #[serde(default)]
    pub(super) timeout: Option<Value>,
    #[serde(default)]
    pub(super) module: String,
    #[serde(default)]
    pub(super) func: String,
}

/// Seconds before and after an activity.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub(super) struct Pauses {
    #[serde(default)]
    pub(super) before: f64,
    #[serde(default)]
    pub(super) after: f64,
}

impl Experiment {
    /// Reads one.
    pub(super) fn read(text: &str) -> Result<Self, Mistake> {
        let mut document: Value = serde_json::from_str(text).map_err(|error| {
            Mistake::new(format!("it is no JSON: {error}")).hint(
                "an experiment in YAML becomes JSON by: python3 -c 'import sys, json, yaml; \
                 json.dump(yaml.safe_load(sys.stdin), sys.stdout)' < FILE",
            )
        })?;
        let known = constants(&document["configuration"]);
        fill_in(&mut document, &known);
        serde_json::from_value(document).map_err(|error| {
            Mistake::new(format!("it is no experiment of Chaos Toolkit: {error}"))
                .hint("it has a title, a steady-state-hypothesis, a method and rollbacks")
        })
    }

    /// What isn't an activity, and has no place in a scenario.
    pub(super) fn left_out(&self) -> Vec<LeftOut> {
        let mut left_out = Vec::new();
        let mut leave = |is_there: bool, place: &str, why: &str| {
            if is_there {
                let (place, why) = (place.to_owned(), why.to_owned());
                left_out.push(LeftOut { place, why });
            }
        };
        leave(!self.controls.is_empty(), "controls", "probe has none");
        let why = "probe reads none; a command of your own gets them from its environment";
        leave(!self.secrets.is_empty(), "secrets", why);
        left_out
    }

    /// An activity, or the one that it refers to.
    pub(super) fn resolve<'a>(&'a self, activity: &'a Activity) -> Option<&'a Activity> {
        let Some(name) = &activity.reference else {
            return Some(activity);
        };
        let hypothesis = self.hypothesis.iter().flat_map(|it| &it.probes);
        let mut all = hypothesis.chain(&self.method).chain(&self.rollbacks);
        all.find(|it| it.name == *name)
    }
}

impl Activity {
    /// Where it stands, for people.
    pub(super) fn place(&self, section: &str, index: usize) -> String {
        match self.name.as_str() {
            "" => format!("{section}[{index}]"),
            name => format!("{section}[{index}] {name:?}"),
        }
    }
}

/// Values of the configuration that stand in the file: written there, or the default of a variable
/// of the environment.
fn constants(configuration: &Value) -> BTreeMap<String, String> {
    let entries = configuration.as_object().into_iter().flatten();
    let value = |it: &Value| match it {
        Value::Object(variable) => variable.get("default").and_then(plain),
        other => plain(other),
    };
    entries
        .filter_map(|(name, it)| Some((name.clone(), value(it)?)))
        .collect()
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(is) => Some(is.to_string()),
        _ => None,
    }
}

/// Puts values where `${name}` stands; what isn't known stays as it is.
fn fill_in(document: &mut Value, known: &BTreeMap<String, String>) {
    match document {
        Value::String(text) if text.contains("${") => {
            for (name, value) in known {
                *text = text.replace(&format!("${{{name}}}"), value);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|it| fill_in(it, known)),
        Value::Object(items) => items.values_mut().for_each(|it| fill_in(it, known)),
        _ => {}
    }
}
