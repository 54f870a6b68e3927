//! Real documents are held against the schemas, by a checker of the words that they use.

use serde_json::{Value, json};

use super::{ALL, find};
use crate::{
    model::{Call, PartyIndex, undeclared::undeclared},
    report::observed::{self, tests::Seen},
};

mod scenario;

fn schema(kind: &str) -> Value {
    serde_json::from_str(find(kind).unwrap()).unwrap()
}

/// What is wrong with a document, a line each. Unknown fields are told too: the schemas allow
/// them, so that documents may grow, but nothing that probe writes is to be undocumented.
fn wrong(root: &Value, schema: &Value, value: &Value, at: &str, out: &mut Vec<String>) {
    let words = schema
        .as_object()
        .unwrap_or_else(|| panic!("{at}: {schema}"));
    for (word, wanted) in words {
        let holds = match word.as_str() {
            "$schema" | "title" | "description" | "$defs" | "examples" | "default" => true,
            // Whatever isn't there is told below.
            "additionalProperties" => wanted == false,
            "minItems" => value
                .as_array()
                .is_none_or(|it| it.len() as u64 >= wanted.as_u64().unwrap()),
            "$ref" => {
                let path = wanted.as_str().unwrap().strip_prefix('#').unwrap();
                let target = root.pointer(path).unwrap_or_else(|| panic!("{wanted}"));
                wrong(root, target, value, at, out);
                true
            }
            "const" => value == wanted,
            "enum" => wanted.as_array().unwrap().contains(value),
            "minimum" => value
                .as_f64()
                .is_none_or(|it| it >= wanted.as_f64().unwrap()),
            "pattern" => value
                .as_str()
                .is_none_or(|it| fits(wanted.as_str().unwrap(), it)),
            "type" => match wanted {
                Value::Array(any) => any.iter().any(|it| is_a(it, value)),
                one => is_a(one, value),
            },
            "required" => wanted.as_array().unwrap().iter().all(|key| {
                let is_there = value.get(key.as_str().unwrap()).is_some();
                if !is_there {
                    out.push(format!("{at}: {key} is missing"));
                }
                is_there
            }),
            "properties" => {
                for (key, inner) in value.as_object().into_iter().flatten() {
                    match wanted.get(key) {
                        Some(schema) => wrong(root, schema, inner, &format!("{at}/{key}"), out),
                        None => out.push(format!("{at}/{key} is not in the schema")),
                    }
                }
                true
            }
            "items" => {
                for (n, inner) in value.as_array().into_iter().flatten().enumerate() {
                    wrong(root, wanted, inner, &format!("{at}/{n}"), out);
                }
                true
            }
            "oneOf" => {
                let fit = wanted.as_array().unwrap().iter().filter(|branch| {
                    let mut out = Vec::new();
                    wrong(root, branch, value, at, &mut out);
                    // What else there may be is said beside the branches.
                    out.iter().all(|it| it.ends_with("is not in the schema"))
                });
                fit.count() == 1
            }
            other => panic!("{at}: the checker doesn't know \"{other}\""),
        };
        if !holds {
            out.push(format!("{at}: {value} against {word} {wanted}"));
        }
    }
}

fn is_a(kind: &Value, value: &Value) -> bool {
    match kind.as_str().unwrap() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.is_u64() || value.is_i64(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("the checker doesn't know \"{other}\""),
    }
}

/// The few patterns there are.
fn fits(pattern: &str, text: &str) -> bool {
    let hex = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_hexdigit());
    match pattern {
        "^[0-9a-f]+$" => hex(text) && text == text.to_lowercase(),
        "^[0-9a-fA-F]{64}$" => hex(text) && text.len() == 64,
        ":[0-9]+$" => text
            .rsplit_once(':')
            .is_some_and(|(_, port)| port.parse::<u16>().is_ok()),
        other => panic!("the checker doesn't know \"{other}\""),
    }
}

/// What is wrong with a document of a kind, a line each.
pub(crate) fn complaints(kind: &str, document: &Value) -> Vec<String> {
    let schema = schema(kind);
    let mut out = Vec::new();
    wrong(&schema, &schema, document, "", &mut out);
    out
}

#[test]
fn what_observe_writes_is_what_its_schema_says() {
    let seen = Seen::shop();
    let found = undeclared(&seen.model);
    let mut observation = seen.observation();
    observation.undeclared = Some(&found);
    let patterns = crate::report::patterns::tests::showing();
    observation.patterns = &patterns;
    let document: Value = serde_json::from_str(&observed::json(&observation)).unwrap();
    assert_eq!(complaints("probe.observe/1", &document), [""; 0]);
    let nothing = Seen::nothing();
    let document = serde_json::from_str(&observed::json(&nothing.observation())).unwrap();
    assert_eq!(complaints("observe", &document), [""; 0]);
}

#[test]
fn calls_are_what_their_schema_says() {
    let seen = Seen::shop();
    for party in [PartyIndex::Dependency(0), PartyIndex::Service(0)] {
        let call = Call {
            party: Some(party),
            ..Call::default()
        };
        let document = serde_json::from_str(&observed::call(&call, &seen.model)).unwrap();
        assert_eq!(complaints("call", &document), [""; 0]);
    }
}

#[test]
fn verdicts_and_their_history_are_what_their_schemas_say() {
    let mut verdict = crate::report::tests::failed();
    let text = crate::report::json::verdict(&verdict);
    let document: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(complaints("verdict", &document), [""; 0]);
    let run = crate::report::history::read(&document, "x").unwrap();
    let history = crate::report::history::json(&crate::report::history::series(vec![run]));
    let history = serde_json::from_str(&history).unwrap();
    assert_eq!(complaints("history", &history), [""; 0]);
    verdict.metrics = crate::verdict::Metrics::default();
    verdict.course = crate::verdict::Course::default();
    let nothing = serde_json::from_str(&crate::report::json::verdict(&verdict)).unwrap();
    assert_eq!(complaints("verdict", &nothing), [""; 0]);
}

#[test]
fn injections_and_fingerprints_are_what_their_schemas_say() {
    for it in crate::report::injection::tests::all() {
        let document = serde_json::from_str(&it.json()).unwrap();
        assert_eq!(complaints("inject", &document), [""; 0]);
    }
    let document = crate::report::fingerprint::tests::document();
    assert_eq!(complaints("fingerprint", &document), [""; 0]);
    assert!(document["declared"][0]["differences"][0].is_object());
}

#[test]
fn every_line_of_a_journal_is_what_its_schema_says() {
    let mut lines = crate::journal::tests::lines(2_000);
    lines.push(crate::journal::Writer::end(
        2_100,
        crate::report::tests::failed(),
    ));
    for line in &lines {
        let document = serde_json::from_str(line).unwrap();
        assert_eq!(complaints("journal", &document), [""; 0]);
    }
    let neither = json!({"line": "moment", "at_ms": 1});
    assert_eq!(complaints("journal", &neither).len(), 1);
    let mut without: Value = serde_json::from_str(&lines[0]).unwrap();
    without.as_object_mut().unwrap().remove("scenario");
    assert!(!complaints("journal", &without).is_empty());
}

#[test]
fn the_checker_finds_what_is_wrong() {
    let seen = Seen::shop();
    let mut document: Value = serde_json::from_str(&observed::json(&seen.observation())).unwrap();
    document["schema"] = json!("probe.observe/2");
    document["services"][0]["calls"] = json!(-1);
    document["dependencies"][0]["transport"] = json!("sctp");
    document["dependencies"][1]["remote"] = json!("nowhere");
    document["dependencies"][2]["service"]["pid"] = json!("42");
    document["extra"] = json!(1);
    let object = document.as_object_mut().unwrap();
    object.remove("window_ms");
    let found = complaints("observe", &document);
    assert!(found.len() >= 7, "{found:#?}");
}

#[test]
fn every_schema_is_of_what_it_is_called() {
    for it in ALL {
        let schema = schema(it.kind);
        match it.kind {
            // A file that people write; it says nothing of schemas.
            "scenario" => assert!(schema["title"].as_str().unwrap().starts_with(it.id)),
            _ => assert_eq!(schema["properties"]["schema"]["const"], it.id),
        }
        assert_eq!(it.id, format!("probe.{}/1", it.kind));
    }
    let mistake = find("verdct").unwrap_err();
    assert_eq!(
        mistake.hint.as_deref(),
        Some(
            "there are audit, audit-verify, call, check, doctor, fingerprint, history, inject, \
             inject-plan, journal, observe, scenario, status, verdict"
        )
    );
}
