//! The front of the room: takes in calls, gauges and faults, and gives verdicts. A verdict is made
//! anew only where something happened since the last one.

use std::collections::BTreeMap;

use super::attempt::{Attempt, Gauge, Inbound};
use super::cascade::{self, Change};
use super::finding::Findings;
use super::ledger::{FaultKind, Ledger, Window};
use super::link::{Last, Link, Service};
use super::reading::Reading;
use super::{bulkhead, circuit_breaker, fallback, load_shedding, retry, timeout};

/// Services followed; beyond, the one silent longest is forgotten.
const MOST_SERVICES: usize = 1_024;
/// Calls on record, of all links together, some 40 MB of them; beyond, links silent longest
/// forget theirs.
const MOST_ON_RECORD: usize = 500_000;
/// Calls that may be read for verdicts at once, so that they hold nothing up.
const MOST_READ: usize = 24_000;
/// How long nothing may have been heard of a link until its verdict is the last word.
const SETTLED_NS: u64 = 120_000_000_000;
/// How long calm times may last until their verdict is made anew.
const CALM_NS: u64 = 5_000_000_000;

/// Who tells of losses read the events up to so long after they happened.
const LOST_BEFORE_NS: u64 = 2_000_000_000;
/// Times of losses remembered; beyond, the two oldest count as one.
const MOST_LOSSES: usize = 64;

/// What the user knows better.
#[derive(Clone, Copy, Debug, Default)]
pub struct Settings {
    /// Who waited so long without giving up has no timeout.
    pub timeout_bound_ns: Option<u64>,
}

/// All detectors, for all services and their dependencies.
#[derive(Clone, Debug, Default)]
pub struct Patterns {
    settings: Settings,
    ledger: Ledger,
    services: BTreeMap<u32, Service>,
    /// Times in which events were lost, from when until when.
    lost: Vec<(u64, u64)>,
    forgotten: u64,
}

impl Patterns {
    /// Detectors that have seen nothing yet.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            ..Self::default()
        }
    }

    /// Takes in an attempt that ended.
    pub fn observe(&mut self, attempt: &Attempt) {
        let fault_on = self.ledger.is_on(attempt.dependency, attempt.began_ns)
            || self.ledger.is_on(attempt.dependency, attempt.ended_ns);
        let service = Self::service(&mut self.services, attempt.service, &mut self.forgotten);
        if !service.observe(attempt, fault_on) {
            self.forgotten += 1;
        }
    }

    /// Takes in an inbound call that ended.
    pub fn serve(&mut self, call: &Inbound) {
        Self::service(&mut self.services, call.service, &mut self.forgotten).serve(call);
    }

    /// Takes in how many calls are under way; tells whether it is news that some are, or none.
    pub fn gauge(&mut self, gauge: &Gauge) -> bool {
        let service = self.services.get_mut(&gauge.service);
        let link = service.and_then(|it| it.links.get_mut(&gauge.dependency));
        link.is_some_and(|it| it.read(gauge))
    }

    /// Takes in a fault that begins, or one known that ends; tells whether that was news.
    pub fn fault(&mut self, window: Window) -> bool {
        self.ledger.note(window)
    }

    /// Takes in when a fault ends, on whatever it was; gives what is other than it was.
    pub fn ends(&mut self, kind: FaultKind, from_ns: u64, to_ns: u64) -> Vec<Window> {
        self.ledger.ends(kind, from_ns, to_ns)
    }

    /// Takes in that what was taken for two dependencies of a service is one; tells whether there
    /// were two.
    pub fn unite(&mut self, service: u32, gone: u32, into: u32) -> bool {
        let service = self.services.get_mut(&service);
        service.is_some_and(|it| it.unite(gone, into))
    }

    /// Takes in that events were lost, between two times at which it was looked whether any were.
    pub fn lost(&mut self, from_ns: u64, at_ns: u64) {
        let from_ns = from_ns.min(at_ns.saturating_sub(LOST_BEFORE_NS));
        match self.lost.last_mut().filter(|it| it.1 >= from_ns) {
            Some(last) => last.1 = last.1.max(at_ns),
            None => self.lost.push((from_ns, at_ns)),
        }
        if self.lost.len() > MOST_LOSSES {
            let first = self.lost.remove(0);
            self.lost[0].0 = first.0;
        }
    }

    /// How many services and links there was no room for.
    pub fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// How many calls of troubled times there was no room for.
    pub fn calls_gone(&self) -> u64 {
        let links = self.services.values().flat_map(|it| it.links.values());
        links.map(|it| it.tape.gone()).sum()
    }

    /// Makes every verdict anew of which something new may be said.
    pub fn judge(&mut self, now_ns: u64) {
        self.judge_some(now_ns, usize::MAX, 0);
    }

    /// The same, but not more than may be made at once: first where there is trouble, then where
    /// it is longest ago.
    pub fn judge_briefly(&mut self, now_ns: u64) {
        self.make_room();
        self.judge_some(now_ns, MOST_READ, CALM_NS);
    }

    /// What was said last, for each service and dependency, and when.
    pub fn findings(&self) -> impl Iterator<Item = (&Findings, u64)> {
        let links = self.services.values().flat_map(|it| it.links.values());
        let last = links.filter_map(|it| it.last.as_ref());
        last.map(|it| (&it.findings, it.at_ns))
    }

    fn judge_some(&mut self, now_ns: u64, most_read: usize, calm_ns: u64) {
        let mut read = 0;
        for (pid, dependency) in self.stale(now_ns, calm_ns) {
            let Some(service) = self.services.get_mut(&pid) else {
                continue;
            };
            if read > most_read {
                break;
            }
            read += service.inbound.len() + service.links[&dependency].tape.len();
            let mut findings = judge(
                (pid, dependency),
                service,
                &self.ledger,
                self.settings,
                &self.lost,
                now_ns,
            );
            let version = service.version;
            if let Some(link) = service.links.get_mut(&dependency) {
                let gone = link.tape.gone();
                if let Some(last) = link.last.as_ref().filter(|it| it.gone < gone) {
                    findings.keep(&last.findings);
                }
                link.last = Some(Last {
                    version: link.tape.version() + version,
                    at_ns: now_ns,
                    // What was kept has to be kept again.
                    gone: link.last.as_ref().map_or(gone, |it| it.gone.min(gone)),
                    findings,
                });
            }
        }
    }

    /// Links of which something new may be said, the most urgent first.
    fn stale(&self, now_ns: u64, calm_ns: u64) -> Vec<(u32, u32)> {
        let mut stale: Vec<_> = self
            .services
            .iter()
            .flat_map(|(&pid, service)| {
                let links = service.links.iter();
                links.map(move |(&dependency, link)| (pid, service, dependency, link))
            })
            .filter(|(_, service, _, link)| {
                let last_ns = link.last.as_ref().map_or(0, |it| it.at_ns);
                let is_calm = !link.tape.is_troubled() && now_ns < last_ns + calm_ns;
                !is_calm && !is_fresh(link, service.version, now_ns)
            })
            .map(|(pid, _, dependency, link)| {
                let at_ns = link.last.as_ref().map_or(0, |it| it.at_ns);
                ((!link.tape.is_troubled(), at_ns), (pid, dependency))
            })
            .collect();
        stale.sort_unstable();
        stale.into_iter().map(|(_, link)| link).collect()
    }

    /// Keeps the record of all links together within its bounds.
    fn make_room(&mut self) {
        let links = || self.services.values().flat_map(|it| it.links.values());
        let mut on_record: usize = links().map(|it| it.tape.len()).sum();
        while on_record > MOST_ON_RECORD {
            let links = self
                .services
                .values_mut()
                .flat_map(|it| it.links.values_mut());
            let oldest = links
                .filter(|it| it.tape.is_troubled())
                .min_by_key(|it| it.tape.last_end());
            let Some(oldest) = oldest else { break };
            let before = oldest.tape.len();
            oldest.tape.give_up();
            on_record -= before - oldest.tape.len();
        }
    }

    /// When faults were on a dependency.
    pub fn faults_on(&self, dependency: u32) -> Vec<(u64, u64)> {
        let windows = self.ledger.on(dependency);
        windows.map(|it| (it.from_ns, it.to_ns)).collect()
    }

    /// What else changed while each fault was on.
    pub fn changes(&self) -> Vec<Change> {
        cascade::changes(&self.services, &self.ledger)
    }

    fn service<'a>(
        services: &'a mut BTreeMap<u32, Service>,
        pid: u32,
        forgotten: &mut u64,
    ) -> &'a mut Service {
        if services.len() == MOST_SERVICES && !services.contains_key(&pid) {
            let oldest = services.iter().min_by_key(|(_, it)| it.last_ns);
            if let Some(oldest) = oldest.map(|(&pid, _)| pid) {
                services.remove(&oldest);
                *forgotten += 1;
            }
        }
        services.entry(pid).or_default()
    }
}

/// Whether nothing happened since the last verdict, and no silence went on that could matter.
fn is_fresh(link: &Link, service_version: u64, now_ns: u64) -> bool {
    let Some(last) = &link.last else {
        return false;
    };
    let settled = now_ns.saturating_sub(link.tape.last_end()) > SETTLED_NS;
    let same = last.version == link.tape.version() + service_version;
    same && (settled || last.at_ns == now_ns)
}

fn judge(
    (pid, dependency): (u32, u32),
    service: &Service,
    ledger: &Ledger,
    settings: Settings,
    lost: &[(u64, u64)],
    now_ns: u64,
) -> Findings {
    let mut reading = Reading::of(dependency, service, ledger, now_ns);
    reading.lost = lost;
    let circuit_breaker = circuit_breaker::judge(&reading);
    let (retry, chains) = retry::judge(&reading, &circuit_breaker);
    let circuit_breaker = circuit_breaker::or_waits(circuit_breaker, &retry, &chains);
    let (bulkhead, kept_out) = bulkhead::judge(&reading);
    Findings {
        service: pid,
        dependency,
        timeout: timeout::judge(&reading, &chains, settings.timeout_bound_ns),
        bulkhead,
        fallback: fallback::judge(&reading, &chains, &circuit_breaker, &kept_out),
        load_shedding: load_shedding::judge(&reading),
        retry,
        circuit_breaker,
    }
}
