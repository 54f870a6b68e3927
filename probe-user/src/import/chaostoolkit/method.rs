//! The method: actions become steps, one after another as Chaos Toolkit runs them.

use std::time::Duration;

use serde_json::Value;

use super::LeftOut;
use super::experiment::{Activity, Experiment, Provider};
use super::inject::Injection;
use crate::quantity::parse_duration;

/// What of a method a scenario can hold.
#[derive(Clone, Debug, Default)]
pub(super) struct Plan {
    pub(super) steps: Vec<Step>,
}

/// One action.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) name: String,
    pub(super) place: String,
    /// Since the first one began.
    pub(super) at: Duration,
    pub(super) action: Action,
}

#[derive(Clone, Debug)]
pub(super) enum Action {
    Fault(Injection),
    Run(Vec<String>),
}

/// What of a command's place in the order is lost.
const WAITING: &str = "what follows it waits for its end there, and begins beside it here: set \
                       \"at\" of the steps that follow";

/// Reads the method, and what of the rollbacks has to be said.
pub(super) fn read(experiment: &Experiment, left_out: &mut Vec<LeftOut>) -> Plan {
    let mut plan = Plan::default();
    let mut at = Duration::ZERO;
    for (index, activity) in experiment.method.iter().enumerate() {
        let place = activity.place("method", index);
        let Some(told) = experiment.resolve(activity) else {
            let why = "it refers to nothing that is there".to_owned();
            left_out.push(LeftOut { place, why });
            continue;
        };
        at = at.saturating_add(pause(activity.pauses.before));
        match action(told) {
            Ok(action) => {
                let began = at;
                if let (Action::Fault(fault), false) = (&action, activity.background) {
                    at = at.saturating_add(parse_duration(&fault.lasts).unwrap_or_default());
                }
                let is_waited_for = !activity.background && index + 1 < experiment.method.len();
                if matches!(action, Action::Run(_)) && is_waited_for {
                    left_out.push(LeftOut {
                        place: place.clone(),
                        why: WAITING.to_owned(),
                    });
                }
                plan.steps.push(Step {
                    name: told.name.clone(),
                    place,
                    at: began,
                    action,
                });
            }
            Err(why) => left_out.push(LeftOut { place, why }),
        }
        at = at.saturating_add(pause(activity.pauses.after));
    }
    for (index, activity) in experiment.rollbacks.iter().enumerate() {
        let place = activity.place("rollbacks", index);
        if let Some(why) = not_undone(experiment.resolve(activity)) {
            left_out.push(LeftOut { place, why });
        }
    }
    plan
}

fn pause(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

fn action(activity: &Activity) -> Result<Action, String> {
    if activity.kind == "probe" {
        return Err("it asks and changes nothing: probe observes every call by itself".to_owned());
    }
    match activity.provider.kind.as_str() {
        "process" => {
            let words = words(&activity.provider)?;
            match of_probe(&words) {
                Some(words) => Injection::read(words).map(Action::Fault),
                None => Ok(Action::Run(words)),
            }
        }
        "http" => as_curl(&activity.provider).map(Action::Run),
        "python" => Err(format!(
            "probe runs no Python ({}.{}): write it as a fault of probe, or as a command",
            activity.provider.module, activity.provider.func
        )),
        "" => Err("it has no provider".to_owned()),
        other => Err(format!("there is no provider \"{other}\"")),
    }
}

/// Why a rollback isn't kept; none where probe undoes it anyway.
fn not_undone(activity: Option<&Activity>) -> Option<String> {
    let Some(activity) = activity else {
        return Some("it refers to nothing that is there".to_owned());
    };
    let is_stop = words(&activity.provider).is_ok_and(|words| {
        of_probe(&words).is_some_and(|it| it.first().is_some_and(|it| it == "stop"))
    });
    (activity.provider.kind != "process" || !is_stop).then(|| {
        "faults are always undone, but a scenario has no commands that run whatever happens: run \
         it after `probe run`, whatever that exits with"
            .to_owned()
    })
}

/// What follows `probe`, whoever starts it.
fn of_probe(words: &[String]) -> Option<&[String]> {
    let starts = |it: &String| ["sudo", "env"].contains(&it.as_str());
    let skipped = match words.first().is_some_and(starts) {
        true => {
            1 + words[1..]
                .iter()
                .take_while(|it| it.starts_with('-'))
                .count()
        }
        false => 0,
    };
    let (path, rest) = words[skipped..].split_first()?;
    (path.rsplit('/').next() == Some("probe")).then_some(rest)
}

/// A process provider's command, in words.
fn words(provider: &Provider) -> Result<Vec<String>, String> {
    let split = |text: &str| {
        shlex::split(text).ok_or_else(|| format!("a quote of \"{text}\" isn't closed"))
    };
    let mut words = match provider.path.as_str() {
        "" => return Err("the process has no path".to_owned()),
        path => split(path)?,
    };
    let plain = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null => Some(String::new()),
        _ => None,
    };
    match &provider.arguments {
        Value::Null => {}
        Value::String(text) => words.extend(split(text)?),
        Value::Array(items) => {
            let items = items.iter().map(|it| plain(it).filter(|it| !it.is_empty()));
            let items: Option<Vec<_>> = items.collect();
            words.extend(items.ok_or("its arguments are no words")?);
        }
        // Options by their names: {"--timeout": 10}.
        Value::Object(options) => {
            for (name, value) in options {
                words.push(name.clone());
                let value = plain(value).ok_or("its arguments are no words")?;
                words.extend((!value.is_empty()).then_some(value));
            }
        }
        _ => return Err("its arguments are no words".to_owned()),
    }
    match words.is_empty() {
        true => Err("the process has no path".to_owned()),
        false => Ok(words),
    }
}

/// A call over HTTP as a command.
fn as_curl(provider: &Provider) -> Result<Vec<String>, String> {
    let is_empty = |it: &Value| it.is_null() || it.as_object().is_some_and(|it| it.is_empty());
    if !is_empty(&provider.arguments) || !is_empty(&provider.headers) {
        return Err("a call with headers or a body can't be kept: make it a command".to_owned());
    }
    let method = provider.method.as_deref().unwrap_or("GET");
    let words = [
        "curl",
        "--fail",
        "--silent",
        "--show-error",
        "--request",
        method,
    ];
    let mut words: Vec<String> = words.map(str::to_owned).into();
    words.extend(["--output", "/dev/null", &provider.url].map(str::to_owned));
    Ok(words)
}
