//! The page is held against the format, read by a parser that forgives nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::{BOUNDS_US, MOST, text};
use crate::{
    model::Process,
    report::observed::tests::{Seen, calling},
};

/// A sample's name and labels, and its value.
type Samples = BTreeMap<(String, Vec<(String, String)>), f64>;

/// Reads a page; panics where it isn't one.
fn read(page: &str) -> Samples {
    let mut samples = Samples::new();
    let mut types: BTreeMap<String, String> = BTreeMap::new();
    let mut helped = BTreeSet::new();
    let mut current = String::new();
    assert!(page.ends_with('\n'), "the last line has no end");
    for line in page.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, help) = help.split_once(' ').expect(line);
            assert!(helped.insert(name.to_owned()), "twice: {line}");
            assert!(help.ends_with('.') && !help.contains('\\'), "{line}");
            current = name.to_owned();
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').expect(line);
            assert_eq!(name, current, "HELP and TYPE belong together: {line}");
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
            types.insert(name.to_owned(), kind.to_owned());
            assert!(name.starts_with("probe_"), "{line}");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
            assert_eq!(
                kind == "histogram",
                name.ends_with("_duration_seconds"),
                "{line}"
            );
        } else {
            let (name, labels, value) = sample(line);
            let stem = ["_bucket", "_sum", "_count"]
                .iter()
                .filter(|_| types.get(&current).is_some_and(|kind| kind == "histogram"))
                .find_map(|suffix| name.strip_suffix(suffix))
                .unwrap_or(&name);
            assert_eq!(stem, current, "a family's samples stand together: {line}");
            let is_new = samples.insert((name, labels), value).is_none();
            assert!(is_new, "twice: {line}");
        }
    }
    samples
}

fn sample(line: &str) -> (String, Vec<(String, String)>, f64) {
    let end = line.find(['{', ' ']).expect(line);
    let (name, mut rest) = line.split_at(end);
    let is_name = |text: &str| {
        let mut bytes = text.bytes();
        bytes.next().is_some_and(|b| b.is_ascii_lowercase())
            && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    };
    assert!(is_name(name), "{line}");
    let mut labels = Vec::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        loop {
            let (label, after) = rest.split_once("=\"").expect(line);
            assert!(is_name(label), "{line}");
            let (value, after) = unquoted(after).expect(line);
            labels.push((label.to_owned(), value));
            match after.strip_prefix(',') {
                Some(more) => rest = more,
                None => {
                    rest = after.strip_prefix('}').expect(line);
                    break;
                }
            }
        }
    }
    let value = rest.strip_prefix(' ').expect(line);
    assert!(!value.contains(' '), "{line}");
    (name.to_owned(), labels, value.parse().expect(line))
}

/// A label's value up to its closing quote, and what is behind.
fn unquoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => value.push(match chars.next()?.1 {
                'n' => '\n',
                c @ ('"' | '\\') => c,
                _ => return None,
            }),
            c => value.push(c),
        }
    }
    None
}

fn value(samples: &Samples, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
    let labels = labels
        .iter()
        .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()));
    samples.get(&(name.to_owned(), labels.collect())).copied()
}

#[test]
fn the_page_is_valid_and_counts_what_was_seen() {
    let mut seen = Seen::shop();
    seen.accounts.events.lost = 4;
    let samples = read(&text(&seen.observation(), "0.1.0"));
    let db = [
        ("service", "shop"),
        ("dependency", "10.0.0.8:443"),
        ("protocol", "unknown"),
    ];
    let ok = [&db[..], &[("outcome", "ok")]].concat();
    assert_eq!(value(&samples, "probe_calls_total", &ok), Some(1.0));
    let sum = value(&samples, "probe_call_duration_seconds_sum", &db).unwrap();
    assert!((sum - 0.04).abs() < 0.04 * 0.016, "{sum}");
    assert_eq!(value(&samples, "probe_in_flight", &db), Some(0.0));
    assert_eq!(value(&samples, "probe_events_lost_total", &[]), Some(4.0));
    let version = [("version", "0.1.0")];
    assert_eq!(value(&samples, "probe_build_info", &version), Some(1.0));
    let shop = [("service", "shop"), ("port", "8080"), ("protocol", "http1")];
    let failed = [&shop[..], &[("outcome", "error")]].concat();
    assert_eq!(
        value(&samples, "probe_served_calls_total", &failed),
        Some(1.0)
    );
    assert_eq!(value(&samples, "probe_served_shed_total", &shop), Some(1.0));
}

#[test]
fn buckets_grow_to_the_count() {
    let seen = Seen::shop();
    let samples = read(&text(&seen.observation(), "0"));
    let shop = [("service", "shop"), ("port", "8080"), ("protocol", "http1")];
    let below = |le: &str| {
        let labels = [&shop[..], &[("le", le)]].concat();
        value(
            &samples,
            "probe_served_call_duration_seconds_bucket",
            &labels,
        )
        .unwrap()
    };
    let mut last = 0.0;
    for bound in BOUNDS_US {
        let count = below(&format!("{}", bound as f64 / 1e6));
        assert!(count >= last, "{bound}");
        last = count;
    }
    assert_eq!(
        (below("0.01"), below("0.025"), below("+Inf")),
        (0.0, 100.0, 100.0)
    );
    let count = value(&samples, "probe_served_call_duration_seconds_count", &shop);
    assert_eq!(count, Some(100.0));
}

#[test]
fn hostile_labels_come_back_as_they_were() {
    let mut seen = Seen::nothing();
    seen.answered(&calling([10, 0, 0, 7], 80), 1_000, b"?");
    let command = "a\"b\\c\nd{e=\"f\"} 1";
    let process = Process {
        command: command.into(),
        cgroup: String::new(),
    };
    seen.model.name_process(42, process);
    let samples = read(&text(&seen.observation(), "0"));
    let labels = [
        ("service", command),
        ("dependency", "10.0.0.7:80"),
        ("protocol", "unknown"),
    ];
    assert_eq!(value(&samples, "probe_in_flight", &labels), Some(0.0));
}

#[test]
fn there_are_only_so_many_series() {
    let mut seen = Seen::nothing();
    for n in 0..2 * MOST as u32 {
        let [_, _, c, d] = n.to_be_bytes();
        seen.answered(&calling([10, 1, c, d], 80), 1_000, b"?");
    }
    let samples = read(&text(&seen.observation(), "0"));
    let waiting = samples.keys().filter(|(name, _)| name == "probe_in_flight");
    assert_eq!(waiting.count(), MOST + 1);
    let calls = samples
        .iter()
        .filter(|((name, _), _)| name == "probe_calls_total");
    let sum: f64 = calls.map(|(_, value)| value).sum();
    assert_eq!(sum, 2.0 * MOST as f64);
}
