//! What was observed in Prometheus' text format, version 0.0.4: counters, gauges and histograms
//! by service, dependency and protocol.
//!
//! A bounded number of them: beyond, the rest is one, called "other".

use std::collections::BTreeMap;

use super::observed::Observation;
use crate::model::{Histogram, Outcome, Party, Traffic};

mod format;

use format::{Family, Kind};

/// Series by label, of each kind; the rest is summed up.
const MOST: usize = 500;

/// What the rest is called.
const OTHER: &str = "other";

/// Upper ends of histograms' buckets, in microseconds: 0.1 ms to 1 min.
const BOUNDS_US: [u64; 18] = [
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000,
    1_000_000, 2_500_000, 5_000_000, 10_000_000, 30_000_000, 60_000_000,
];

/// What series are told apart by.
type Key = [String; 3];

/// What is counted of one of them.
#[derive(Default)]
struct Sums {
    outcomes: [u64; Outcome::ALL.len()],
    latency: Histogram,
    connects: Histogram,
    in_flight: u64,
    traffic: Traffic,
    shed: u64,
}

impl Sums {
    fn add(&mut self, party: &Party) {
        let counts = self.outcomes.iter_mut().zip(party.outcomes);
        counts.for_each(|(sum, count)| *sum += count);
        self.latency.merge(&party.total().latency);
        self.connects.merge(&party.connects);
        self.in_flight += u64::from(party.in_flight);
        self.traffic.add(&party.traffic);
        self.shed += party.shed;
    }
}

/// Everything, as one page.
pub fn text(seen: &Observation<'_>, version: &str) -> String {
    let model = seen.model;
    let dependencies = model.dependencies().iter();
    let dependencies = summed(dependencies.map(|it| {
        let key = [&it.service, &it.name, it.party.protocol()].map(ToOwned::to_owned);
        (key, &it.party)
    }));
    let services = summed(model.services_in_scope().map(|it| {
        let listen = it.port.to_string();
        let key = [&it.process.command, &listen, it.party.protocol()].map(ToOwned::to_owned);
        (key, &it.party)
    }));
    let mut page = of_the_observation(seen, version);
    page += &of_dependencies(&dependencies);
    page += &of_services(&services);
    page
}

/// Parties by their labels, as many as are told apart.
fn summed<'a>(parties: impl Iterator<Item = (Key, &'a Party)>) -> BTreeMap<Key, Sums> {
    let mut sums: BTreeMap<Key, Sums> = BTreeMap::new();
    for (key, party) in parties {
        let is_room = sums.len() < MOST || sums.contains_key(&key);
        let key = if is_room {
            key
        } else {
            [OTHER; 3].map(str::to_owned)
        };
        sums.entry(key).or_default().add(party);
    }
    sums
}

fn of_the_observation(seen: &Observation<'_>, version: &str) -> String {
    let family = Family::new;
    let help = "The version of probe that tells this; always 1.";
    let mut page = family("probe_build_info", Kind::Gauge, help)
        .value(&[("version", version)], 1)
        .text();
    let help = "How long has been observed.";
    page += &family("probe_observation_seconds", Kind::Gauge, help)
        .value(&[], seen.window_ms as f64 / 1_000.0)
        .text();
    let help = "Events that were lost: what else is counted here may be too little.";
    page += &family("probe_events_lost_total", Kind::Counter, help)
        .value(&[], seen.accounts.events.lost)
        .text();
    page
}

fn of_dependencies(sums: &BTreeMap<Key, Sums>) -> String {
    let family = Family::new;
    let mut calls = family(
        "probe_calls_total",
        Kind::Counter,
        "Calls of a service to a dependency that ended, by how they ended.",
    );
    let mut latency = family(
        "probe_call_duration_seconds",
        Kind::Histogram,
        "From the request's first byte leaving the caller to the answer's first byte reaching it; answered calls.",
    );
    let mut connects = family(
        "probe_connect_duration_seconds",
        Kind::Histogram,
        "How long making a connection took.",
    );
    let mut waiting = family(
        "probe_in_flight",
        Kind::Gauge,
        "Calls that wait for their answer now.",
    );
    let mut bytes = family(
        "probe_bytes_total",
        Kind::Counter,
        "Payload bytes between a service and a dependency, seen from the service.",
    );
    let mut again = family(
        "probe_retransmits_total",
        Kind::Counter,
        "Segments that a service sent again.",
    );
    for ([service, dependency, protocol], sum) in sums {
        let labels = [
            ("service", service.as_str()),
            ("dependency", dependency),
            ("protocol", protocol),
        ];
        calls.outcomes(&labels, &sum.outcomes);
        latency.histogram(&labels, &sum.latency);
        if sum.connects.count() > 0 {
            connects.histogram(&labels, &sum.connects);
        }
        waiting = waiting.value(&labels, sum.in_flight);
        bytes.ways(&labels, sum.traffic);
        again = again.value(&labels, sum.traffic.retransmits);
    }
    [calls, latency, connects, waiting, bytes, again]
        .map(|family| family.text())
        .concat()
}

fn of_services(sums: &BTreeMap<Key, Sums>) -> String {
    let family = Family::new;
    let mut calls = family(
        "probe_served_calls_total",
        Kind::Counter,
        "Calls to a service that ended, by how they ended.",
    );
    let mut latency = family(
        "probe_served_call_duration_seconds",
        Kind::Histogram,
        "From the request's first byte reaching the service to the answer's first byte leaving it; answered calls.",
    );
    let mut waiting = family(
        "probe_served_in_flight",
        Kind::Gauge,
        "Calls to a service that wait for their answer now.",
    );
    let mut shed = family(
        "probe_served_shed_total",
        Kind::Counter,
        "Calls that a service turned away for having too much to do.",
    );
    for ([service, port, protocol], sum) in sums {
        let labels = [
            ("service", service.as_str()),
            ("port", port),
            ("protocol", protocol),
        ];
        calls.outcomes(&labels, &sum.outcomes);
        latency.histogram(&labels, &sum.latency);
        waiting = waiting.value(&labels, sum.in_flight);
        shed = shed.value(&labels, sum.shed);
    }
    [calls, latency, waiting, shed]
        .map(|family| family.text())
        .concat()
}

impl Family {
    /// One counter for each way in which calls end, also of those that none has ended in.
    fn outcomes(&mut self, labels: &[(&str, &str)], counts: &[u64]) {
        for (outcome, count) in Outcome::ALL.iter().zip(counts) {
            let labels = [labels, &[("outcome", outcome.name())]].concat();
            self.add("", &labels, *count);
        }
    }

    fn ways(&mut self, labels: &[(&str, &str)], traffic: Traffic) {
        for (way, bytes) in [("out", traffic.bytes_out), ("in", traffic.bytes_in)] {
            let labels = [labels, &[("direction", way)]].concat();
            self.add("", &labels, bytes);
        }
    }

    /// A latency falls into the bucket that its own, finer one has its middle in; the sum is of
    /// those middles. Either is off by at most 1.6 %.
    fn histogram(&mut self, labels: &[(&str, &str)], histogram: &Histogram) {
        let middles: Vec<(u64, u64)> = histogram
            .buckets()
            .map(|(low, width, count)| (low + (width - 1) / 2, count))
            .collect();
        for bound in BOUNDS_US {
            let below = middles.iter().filter(|(middle, _)| *middle <= bound);
            let count: u64 = below.map(|(_, count)| count).sum();
            let le = format!("{}", bound as f64 / 1e6);
            self.add("_bucket", &[labels, &[("le", &le)]].concat(), count);
        }
        let all = [labels, &[("le", "+Inf")]].concat();
        self.add("_bucket", &all, histogram.count());
        let sum_us: u64 = middles.iter().map(|(middle, count)| middle * count).sum();
        self.add("_sum", labels, sum_us as f64 / 1e6);
        self.add("_count", labels, histogram.count());
    }
}

#[cfg(test)]
mod tests;
