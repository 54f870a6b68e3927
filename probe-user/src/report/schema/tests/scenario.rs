//! The schema of scenarios is held against those that ship, and against what the reader knows.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{complaints, schema};
use crate::{
    fault::KINDS,
    scenario::{Scenario, Tier, keys},
};

/// Those that ship.
const SHIPPED: &[&str] = &[
    include_str!("../../../../../scenarios/all-replicas.toml"),
    include_str!("../../../../../scenarios/bad-deploy.toml"),
    include_str!("../../../../../scenarios/corrupted-packets.toml"),
    include_str!("../../../../../scenarios/database-down.toml"),
    include_str!("../../../../../scenarios/dependency-503.toml"),
    include_str!("../../../../../scenarios/dns-failure.toml"),
    include_str!("../../../../../scenarios/flaky-network.toml"),
    include_str!("../../../../../scenarios/killed-instance.toml"),
    include_str!("../../../../../scenarios/overload.toml"),
    include_str!("../../../../../scenarios/partition.toml"),
    include_str!("../../../../../scenarios/payments-slow.toml"),
    include_str!("../../../../../scenarios/pool-exhaustion.toml"),
    include_str!("../../../../../scenarios/retry-storm.toml"),
    include_str!("../../../../../scenarios/slow-dependency.toml"),
    include_str!("../../../../../scenarios/two-at-once.toml"),
];

/// Each section: where its schema is, and its keys.
const SECTIONS: &[(&str, &[&str])] = &[
    ("", keys::TOP),
    ("/properties/service", keys::SERVICE),
    ("/properties/dependency/items", keys::DEPENDENCY),
    ("/properties/steady_state", keys::STEADY_STATE),
    ("/properties/expect", keys::EXPECT),
    (PATTERN, keys::PATTERN),
    ("/retry", keys::RETRY),
    ("/circuit_breaker", keys::BREAKER),
    ("/bulkhead", keys::BULKHEAD),
    ("/fallback", keys::FALLBACK),
    ("/load_shedding", keys::LOAD_SHEDDING),
    ("/properties/abort", keys::ABORT),
];
const PATTERN: &str = "/properties/expect/properties/pattern/items";
const STEP: &str = "/properties/step/items";

fn properties(schema: &Value, section: &str) -> BTreeSet<String> {
    let found = schema.pointer(&format!("{section}/properties"));
    let found = found.unwrap_or_else(|| panic!("no {section}"));
    let closed = schema.pointer(&format!("{section}/additionalProperties"));
    assert_eq!(closed, Some(&Value::Bool(false)), "{section}");
    found.as_object().unwrap().keys().cloned().collect()
}

fn words(schema: &Value, path: &str) -> BTreeSet<String> {
    let words = schema.pointer(path).and_then(Value::as_array);
    let words = words.unwrap_or_else(|| panic!("no {path}"));
    words
        .iter()
        .map(|it| it.as_str().unwrap().to_owned())
        .collect()
}

fn set<'a>(words: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    words.into_iter().map(str::to_owned).collect()
}

#[test]
fn its_keys_are_those_that_are_read() {
    let schema = schema("scenario");
    for (path, known) in SECTIONS {
        let section = match path.strip_prefix('/') {
            Some(name) if !name.contains('/') => format!("{PATTERN}/properties/{name}"),
            _ => (*path).to_owned(),
        };
        assert_eq!(
            properties(&schema, &section),
            set(known.iter().copied()),
            "{section}"
        );
    }
    let steps = keys::of_steps();
    assert_eq!(
        properties(&schema, STEP),
        set(steps.iter().map(String::as_str))
    );
}

#[test]
fn its_words_are_those_that_are_read() {
    let schema = schema("scenario");
    let faults = words(&schema, &format!("{STEP}/properties/fault/enum"));
    assert_eq!(faults, set(KINDS.iter().map(|it| it.name)));
    let tiers = words(&schema, "/properties/dependency/items/properties/tier/enum");
    let known = [Tier::Essential, Tier::Important, Tier::Optional];
    assert_eq!(tiers, set(known.map(Tier::name)));
}

#[test]
fn scenarios_that_ship_are_what_it_says() {
    for text in SHIPPED {
        let document: Value = toml::from_str(text).unwrap();
        assert_eq!(complaints("scenario", &document), [""; 0], "{text}");
        Scenario::parse(text, "x.toml").unwrap_or_else(|error| panic!("{error}"));
    }
}

#[test]
fn it_finds_what_is_wrong() {
    let text = "name = 3\n[service]\nlisten = 0\ncolour = \"red\"\n[steady_state]\n[[step]]\n\
                fault = \"dealy\"\n[[dependency]]\nname = \"x\"\nto = []\n";
    let document: Value = toml::from_str(text).unwrap();
    let found = complaints("scenario", &document);
    assert!(found.len() >= 6, "{found:#?}");
}
