//! Reads what a step's fault is, and its arguments.

use std::time::Duration;

use super::error::ScenarioError;
use super::nearest::suggest;
use super::sections::lasting;
use super::table::{Found, Table};
use crate::mistake::Mistake;
use crate::plan::{CorruptMode, Fault, Share};
use crate::quantity::{parse_duration, parse_share};

const FAULTS: [&str; 4] = ["delay", "loss", "corrupt", "blackhole"];

/// Faults of the format that this version can't inject.
const LATER: [&str; 11] = [
    "duplicate",
    "reorder",
    "rate",
    "partition",
    "reset",
    "refuse",
    "limit-connections",
    "http-status",
    "dns",
    "pause",
    "kill",
];

/// Arguments, and the fault that each belongs to.
pub(super) const ARGUMENTS: [(&str, &str); 5] = [
    ("delay", "delay"),
    ("jitter", "delay"),
    ("loss", "loss"),
    ("corrupt", "corrupt"),
    ("mode", "corrupt"),
];

/// Reads a step's fault.
pub(super) fn read(table: &Table<'_>) -> Result<Fault, ScenarioError> {
    let kind = table.text("fault")?;
    let kind = table.required("fault", "\"delay\"", kind)?;
    if !FAULTS.contains(&kind.value.as_str()) {
        return Err(table.error_at(&kind, unknown(&kind.value)));
    }
    for (argument, owner) in ARGUMENTS {
        if owner != kind.value
            && let Some(found) = table.key(argument)
        {
            let mistake = Mistake::new(format!(
                "\"{argument}\" doesn't belong to fault \"{}\"",
                kind.value
            ));
            return Err(table.error_at(&found, mistake.hint(format!("it belongs to \"{owner}\""))));
        }
    }
    match kind.value.as_str() {
        "delay" => read_delay(table, &kind),
        "loss" => Ok(Fault::Loss(needed_share(table, &kind, "\"10%\"")?)),
        "corrupt" => read_corrupt(table, &kind),
        _ => Ok(Fault::Blackhole),
    }
}

fn read_delay(table: &Table<'_>, kind: &Found<String>) -> Result<Fault, ScenarioError> {
    let delay = lasting(table, "delay")?.ok_or_else(|| no_argument(table, kind, "\"200ms\""))?;
    let jitter = table.quantity("jitter", parse_duration)?;
    if let Some(found) = jitter.as_ref().filter(|jitter| jitter.value > delay.value) {
        let mistake = Mistake::new("jitter is more than the delay itself");
        return Err(table.error_at(
            found,
            mistake.hint("no packet can arrive before it was sent"),
        ));
    }
    Ok(Fault::Delay {
        delay_ns: nanoseconds(delay.value),
        jitter_ns: jitter.map_or(0, |found| nanoseconds(found.value)),
    })
}

fn read_corrupt(table: &Table<'_>, kind: &Found<String>) -> Result<Fault, ScenarioError> {
    let share = needed_share(table, kind, "\"5%\"")?;
    let modes = [
        ("wire", CorruptMode::Wire),
        ("payload", CorruptMode::Payload),
    ];
    let mode = table.choice("mode", &modes)?;
    Ok(Fault::Corrupt(
        share,
        mode.map_or(CorruptMode::Wire, |found| found.value),
    ))
}

/// The share that a fault has under its own name.
fn needed_share(
    table: &Table<'_>,
    kind: &Found<String>,
    example: &str,
) -> Result<Share, ScenarioError> {
    let share = table.quantity(&kind.value, |text| {
        parse_share(text).and_then(|share| match share.value() > 0.0 {
            true => Ok(share),
            false => Err(Mistake::new("0% would touch no packet")),
        })
    })?;
    share
        .map(|found| found.value)
        .ok_or_else(|| no_argument(table, kind, example))
}

fn no_argument(table: &Table<'_>, kind: &Found<String>, example: &str) -> ScenarioError {
    let kind_name = &kind.value;
    let mistake = Mistake::new(format!("fault \"{kind_name}\" has no \"{kind_name}\""));
    table.error_at(kind, mistake.hint(format!("add {kind_name} = {example}")))
}

fn unknown(kind: &str) -> Mistake {
    if LATER.contains(&kind.replace('_', "-").as_str()) {
        Mistake::new(format!("fault \"{kind}\" is not supported yet"))
            .hint(format!("those that are: {}", FAULTS.join(", ")))
    } else {
        suggest(
            Mistake::new(format!("unknown fault \"{kind}\"")),
            kind,
            &FAULTS,
        )
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
