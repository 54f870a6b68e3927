//! The trail that faults leave in the audit log: an entry before each is armed, one when it has
//! ended. Whoever arms goes by here. What can't be written down isn't armed; an end that can't
//! be written down is an end all the same, and told on stderr.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering},
};

use anyhow::Result;

use crate::{
    audit::{Ending, Event, What, Who},
    kernel::{
        audit_log::{self, AuditLog, Locked},
        clock,
    },
    plan::Rule,
    protection::{NeverFaulted, Wishes},
    verdict::FaultCounters,
};

/// The most endpoints that an entry lists.
const LISTED: usize = 32;

/// Tells the injections of one process apart.
static NEXT: AtomicU32 = AtomicU32::new(1);

/// What keeps the host from harm, as the user wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Safeguards {
    /// What no fault touches.
    pub wishes: Wishes,
    /// The audit log.
    pub audit: PathBuf,
}

impl Default for Safeguards {
    /// As they are unless somebody says otherwise.
    fn default() -> Self {
        Self {
            wishes: Wishes::default(),
            audit: audit_log::path(None),
        }
    }
}

/// Where the faults are that an injector arms.
#[derive(Clone, Debug, Default)]
pub struct Ground {
    /// The network namespace, as it was named.
    pub netns: String,
    /// Its inode.
    pub netns_inode: u64,
    /// The near side, where it is somebody in particular.
    pub near: Option<String>,
    /// The interfaces.
    pub interfaces: Vec<String>,
    /// What no fault touches there.
    pub never_faulted: Vec<String>,
    /// The scenario that arms them, if one does.
    pub scenario: Option<String>,
}

impl Ground {
    /// With the list of what no fault touches.
    pub fn never_faulting(mut self, list: &NeverFaulted) -> Self {
        self.never_faulted = list.lines();
        self
    }

    fn what(&self, rule: &Rule) -> What {
        let endpoints = rule.endpoints.iter().take(LISTED);
        What {
            fault: rule.fault.kind().to_owned(),
            args: rule.fault.arguments(),
            modifiers: rule.modifiers.arguments(),
            endpoints: endpoints.map(ToString::to_string).collect(),
            endpoint_count: rule.endpoints.len(),
            direction: rule.fault.direction_name(rule.direction).to_owned(),
            near: self.near.clone().filter(|_| rule.near),
            netns: self.netns.clone(),
            netns_inode: self.netns_inode,
            interfaces: self.interfaces.clone(),
            duration_ms: rule.ends_ns.saturating_sub(rule.starts_ns) / 1_000_000,
            seed: rule.seed,
            never_faulted: self.never_faulted.clone(),
            scenario: self.scenario.clone(),
        }
    }
}

/// A fault that is armed, as far as the log knows.
#[derive(Debug)]
struct Open {
    injection: String,
    armed_ns: u64,
    counters: Option<FaultCounters>,
}

/// The trail of one process's faults.
#[derive(Debug)]
pub struct Trail {
    log: AuditLog,
    ground: Ground,
    /// By the place of the rule in its plan.
    open: BTreeMap<usize, Open>,
}

impl Trail {
    /// Begins a trail: sees that the log can be written, and writes down the end of faults whose
    /// probes died.
    ///
    /// # Errors
    /// Where the log can't be written.
    pub fn begin(safeguards: &Safeguards, ground: Ground) -> Result<Self> {
        let log = AuditLog::at(safeguards.audit.clone());
        write_deaths(&mut log.lock()?)?;
        Ok(Self {
            log,
            ground,
            open: BTreeMap::new(),
        })
    }

    /// Writes down that a rule of the plan is armed; to be called before it is.
    ///
    /// # Errors
    /// Where it can't be written down: then the rule must not be armed.
    pub fn armed(&mut self, place: usize, rule: &Rule) -> Result<()> {
        let armed_ns = clock::now_ns();
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let injection = format!("{}-{armed_ns}-{number}", std::process::id());
        let mut log = self.log.lock()?;
        log.append(Event::Armed {
            injection: injection.clone(),
            what: self.ground.what(rule),
        })?;
        log.reserve()?;
        drop(log);
        self.ended(place, "operator", "it was armed anew");
        let open = Open {
            injection,
            armed_ns,
            counters: None,
        };
        self.open.insert(place, open);
        Ok(())
    }

    /// Takes note of what became of packets under a rule so far.
    pub fn count(&mut self, place: usize, counters: FaultCounters) {
        if let Some(open) = self.open.get_mut(&place) {
            open.counters = Some(counters);
        }
    }

    /// Writes down that a rule has ended, if it was armed.
    pub fn ended(&mut self, place: usize, by: &str, reason: &str) {
        let Some(open) = self.open.remove(&place) else {
            return;
        };
        let held_ns = clock::now_ns().saturating_sub(open.armed_ns);
        let ending = Ending {
            by: by.to_owned(),
            reason: reason.to_owned(),
            held_ms: Some(held_ns / 1_000_000),
            counters: open.counters,
        };
        let injection = open.injection;
        if let Err(error) = self.log.append(Event::Ended { injection, ending }) {
            log::error!("{error:#}");
        }
    }

    /// Writes down that everything has ended.
    pub fn all_ended(&mut self, by: &str, reason: &str) {
        for place in self.open.keys().copied().collect::<Vec<_>>() {
            self.ended(place, by, reason);
        }
    }
}

impl Drop for Trail {
    fn drop(&mut self) {
        self.all_ended("error", "it could not go on");
    }
}

/// Writes down what somebody did who ended every fault of the host. That it can't be written
/// down is told, and keeps nobody from doing it.
pub fn stopped(safeguards: &Safeguards, processes: usize, cleared: usize) {
    let log = AuditLog::at(safeguards.audit.clone());
    let write = || -> Result<()> {
        let mut log = log.lock()?;
        write_deaths(&mut log)?;
        if cleared > 0 {
            log.append(Event::Cleared { probes: cleared })?;
        }
        log.append(Event::Stopped { processes })
    };
    if let Err(error) = write() {
        log::warn!("{error:#}");
    }
}

/// Writes down the end of each fault whose probe is no longer there.
fn write_deaths(log: &mut Locked<'_>) -> Result<()> {
    let mut armed: BTreeMap<String, Who> = BTreeMap::new();
    let mut ended: BTreeSet<String> = BTreeSet::new();
    for entry in log.entries() {
        match entry.event {
            Event::Armed { injection, .. } => {
                armed.insert(injection, entry.who);
            }
            Event::Ended { injection, .. } => {
                ended.insert(injection);
            }
            _ => {}
        }
    }
    armed.retain(|injection, who| !ended.contains(injection) && !audit_log::is_alive(who));
    for (injection, who) in armed {
        let ending = Ending {
            by: "death".to_owned(),
            reason: format!("process {} was gone when somebody next looked", who.pid),
            ..Ending::default()
        };
        log.append(Event::Ended { injection, ending })?;
    }
    Ok(())
}
