//! The front of the room: takes in calls, gauges and faults, and gives verdicts. A verdict is made
//! anew only where something happened since the last one.

use std::collections::BTreeMap;

use super::attempt::{Attempt, Gauge, Inbound};
use super::cascade::{self, Change};
use super::finding::Findings;
use super::ledger::{Ledger, Window};
use super::link::{Link, Service};
use super::reading::Reading;
use super::{bulkhead, circuit_breaker, fallback, load_shedding, retry, timeout};

/// Services followed; beyond, the one silent longest is forgotten.
const MOST_SERVICES: usize = 1_024;

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
    /// When events were lost, the last time.
    lost_at_ns: Option<u64>,
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

    /// Takes in how many calls are under way.
    pub fn gauge(&mut self, gauge: &Gauge) {
        let service = self.services.get_mut(&gauge.service);
        if let Some(link) = service.and_then(|it| it.links.get_mut(&gauge.dependency)) {
            link.gauge = Some(*gauge);
        }
    }

    /// Takes in a fault that begins, or one known that ends.
    pub fn fault(&mut self, window: Window) {
        self.ledger.note(window);
    }

    /// Takes in that events were lost at about that time.
    pub fn lost(&mut self, at_ns: u64) {
        self.lost_at_ns = self.lost_at_ns.max(Some(at_ns));
    }

    /// How many services and links there was no room for.
    pub fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// What shows by now, for each service and dependency.
    pub fn verdicts(&mut self, now_ns: u64) -> Vec<Findings> {
        let mut all = Vec::new();
        for (&pid, service) in &mut self.services {
            let stale: Vec<_> = service
                .links
                .iter()
                .filter(|(_, link)| !is_fresh(link, service.version, now_ns))
                .map(|(&dependency, _)| dependency)
                .collect();
            for dependency in stale {
                let findings = judge(
                    pid,
                    dependency,
                    service,
                    &self.ledger,
                    self.settings,
                    self.lost_at_ns,
                    now_ns,
                );
                let version = service.version;
                if let Some(link) = service.links.get_mut(&dependency) {
                    link.last = Some((link.tape.version() + version, now_ns, findings));
                }
            }
            let last = service.links.values().filter_map(|it| it.last.as_ref());
            all.extend(last.map(|(_, _, findings)| findings.clone()));
        }
        all
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
    let Some((version, at_ns, _)) = link.last else {
        return false;
    };
    let settled = now_ns.saturating_sub(link.tape.last_end()) > 120_000_000_000;
    version == link.tape.version() + service_version && (settled || at_ns == now_ns)
}

fn judge(
    pid: u32,
    dependency: u32,
    service: &Service,
    ledger: &Ledger,
    settings: Settings,
    lost_at_ns: Option<u64>,
    now_ns: u64,
) -> Findings {
    let mut reading = Reading::of(dependency, service, ledger, now_ns);
    reading.lost_at_ns = lost_at_ns;
    let circuit_breaker = circuit_breaker::judge(&reading);
    let (retry, chains) = retry::judge(&reading, &circuit_breaker);
    let circuit_breaker = circuit_breaker::or_waits(circuit_breaker, &chains);
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
