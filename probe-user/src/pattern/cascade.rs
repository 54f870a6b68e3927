//! Cascades: which services and dependencies, other than the one a fault was on, changed while it
//! was on. Where nothing known leads from the one to the other, they are coupled in secret.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::ledger::{Ledger, Window};
use super::link::{Beat, Pulse, Service};

/// What is compared with, before the fault.
const BEFORE_NS: u64 = 15_000_000_000;
/// Calls on each side it takes to compare.
const ENOUGH: u32 = 12;

/// Something that was not as before while a fault was on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// The fault.
    pub fault: Window,
    /// The service that changed.
    pub service: u32,
    /// Its calls to this dependency changed; none: its own answers did.
    pub dependency: Option<u32>,
    /// Whether the service calls the dependency with the fault itself.
    pub direct: bool,
    /// Share of calls that failed, before and during.
    pub failed: (f64, f64),
    /// Calls in a second, before and during.
    pub rate: (f64, f64),
    /// By which factor waits grew (geometric mean).
    pub slower: f64,
}

/// Every change on record.
pub(super) fn changes(services: &BTreeMap<u32, Service>, ledger: &Ledger) -> Vec<Change> {
    let mut all = Vec::new();
    for (index, fault) in ledger.windows().iter().enumerate() {
        // One fault is on as many links as there are callers that met it.
        let same = |it: &&Window| (it.kind, it.from_ns) == (fault.kind, fault.from_ns);
        if ledger.windows()[..index].iter().any(|it| same(&it)) {
            continue;
        }
        let on: Vec<u32> = ledger
            .windows()
            .iter()
            .filter(same)
            .map(|it| it.dependency)
            .collect();
        let is_faulted = |link: Option<u32>| {
            let overlap = |it: &&Window| it.from_ns < fault.to_ns && fault.from_ns < it.to_ns;
            link.is_some_and(|link| ledger.on(link).any(|it| overlap(&it)))
        };
        for (&pid, service) in services {
            let direct = service.links.keys().any(|it| on.contains(it));
            let own = (None, &service.inbound_pulse);
            let links = service
                .links
                .iter()
                .map(|(&to, link)| (Some(to), &link.pulse));
            for (dependency, pulse) in links.chain([own]) {
                if !is_faulted(dependency) {
                    all.extend(change(fault, pid, dependency, direct, pulse));
                }
            }
        }
    }
    all
}

fn change(
    fault: &Window,
    service: u32,
    dependency: Option<u32>,
    direct: bool,
    pulse: &Pulse,
) -> Option<Change> {
    let from = pulse.since().max(fault.from_ns.saturating_sub(BEFORE_NS));
    let until = fault.to_ns.min(fault.from_ns.saturating_add(4 * BEFORE_NS));
    let (before, during) = (
        pulse.between(from, fault.from_ns),
        pulse.between(fault.from_ns, until),
    );
    if before.began < ENOUGH {
        return None;
    }
    let seconds = |from: u64, to: u64| (to.saturating_sub(from) as f64 / 1e9).max(0.5);
    let failed = |beat: Beat| f64::from(beat.failed) / f64::from(beat.began.max(1));
    let wait = |beat: Beat| f64::from(beat.log_wait) / f64::from(beat.began.max(1));
    let rate = (
        f64::from(before.began) / seconds(from, fault.from_ns),
        f64::from(during.began)
            / seconds(
                fault.from_ns,
                until.min(fault.from_ns + pulse_span(pulse, fault)),
            ),
    );
    let slower = match during.began {
        0 => 1.0,
        _ => (wait(during) - wait(before)).exp(),
    };
    let change = Change {
        fault: *fault,
        service,
        dependency,
        direct,
        failed: (failed(before), failed(during)),
        rate,
        slower,
    };
    let n = f64::from(during.began.min(before.began)).max(1.0);
    let noise = 3.0 / n.sqrt();
    let fails = change.failed.1 > change.failed.0 + noise.max(0.05) && during.began >= ENOUGH;
    let slows = slower > 1.5 + noise && during.began >= ENOUGH;
    let shifts = rate.1 > (2.0 + noise) * rate.0 || rate.1 * 2.0 < rate.0 * (1.0 - noise).max(0.1);
    (fails || slows || shifts).then_some(change)
}

/// How much of a fault's time a record covers.
fn pulse_span(pulse: &Pulse, fault: &Window) -> u64 {
    pulse.until().saturating_sub(fault.from_ns)
}
