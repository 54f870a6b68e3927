//! What is observed, from the moment the observer is attached: events in, model kept, processes
//! and services named.

use std::collections::HashSet;

use anyhow::Result;

use crate::{
    game_day::Evidence,
    kernel::{clock, observer::Observer, owners::Owners, process},
    model::{Accounts, Call, Model, Names, Process, Scope, WindowStats},
    snapshot::{TimelineEntry, TimelineKind},
};

/// How long calls are remembered one by one; totals are kept beyond.
const MEMORY_NS: u64 = 2 * 3_600 * 1_000_000_000;

/// Processes that are remembered to have been looked up.
const MOST_NAMED: usize = 8_192;

/// A running observation.
pub struct Session {
    observer: Observer,
    owners: Owners,
    named: HashSet<u32>,
    /// What was observed.
    pub model: Model,
    /// When it began, on CLOCK_MONOTONIC.
    pub started_ns: u64,
    /// Events that the ring had no room for, and times that a peer found no slot.
    pub lost_events: u64,
    /// What happened, apart from a game day's own timeline.
    pub timeline: Vec<TimelineEntry>,
}

impl Session {
    /// Begins to observe.
    ///
    /// # Errors
    /// Where the host can't: see `probe doctor`.
    pub fn begin(scope: Scope, names: Names) -> Result<Self> {
        Ok(Self {
            observer: Observer::open()?,
            owners: Owners::default(),
            named: HashSet::new(),
            model: Model::new(scope, names),
            started_ns: clock::now_ns(),
            lost_events: 0,
            timeline: Vec::new(),
        })
    }

    /// Takes in what came since the last time, handing on the calls that ended.
    ///
    /// # Errors
    /// Where the kernel's maps can't be read any more.
    pub fn advance(&mut self, mut ended: impl FnMut(&Call, &Model)) -> Result<()> {
        let Self {
            observer, model, ..
        } = self;
        observer.poll(|event, peer| {
            let mut next = model.observe(event, peer);
            while let Some(call) = next {
                ended(&call, model);
                next = model.ended_as_well();
            }
        });
        self.model.set_in_flight(&self.observer.gauges());
        self.observer
            .recycle(|peer, counted| self.model.fold(peer, counted))?;
        // What is laid to nobody is lost to every verdict as well.
        self.lost_events = self.observer.accounts()?.untold();
        self.name_callers();
        self.name_services();
        self.model
            .forget_before(clock::now_ns().saturating_sub(MEMORY_NS));
        Ok(())
    }

    /// Takes the programs away, takes in what they had still told, and makes the totals the
    /// kernel's where events were lost. Gives the books of the whole observation.
    ///
    /// # Errors
    /// Where the programs can't be taken away, or their maps not be read.
    pub fn end(&mut self, mut ended: impl FnMut(&Call, &Model)) -> Result<Accounts> {
        let Self {
            observer, model, ..
        } = self;
        observer.end(|event, peer| {
            let mut next = model.observe(event, peer);
            while let Some(call) = next {
                ended(&call, model);
                next = model.ended_as_well();
            }
        })?;
        let mut accounts = observer.accounts()?;
        accounts.flows.present = observer.flows_present()?;
        accounts.forgotten = model.forgotten();
        model.settle(&observer.counted()?, accounts.events.lost > 0);
        self.lost_events = accounts.untold();
        self.name_callers();
        self.name_services();
        Ok(accounts)
    }

    /// Notes something in the timeline.
    pub fn note(&mut self, kind: TimelineKind, text: String) {
        let at_ms = clock::now_ns().saturating_sub(self.started_ns) / 1_000_000;
        self.timeline.push(TimelineEntry { at_ms, kind, text });
    }

    /// Notes that what earlier probes left behind was cleared, where there was something.
    pub fn note_cleared(&mut self, probes: usize) {
        if probes > 0 {
            let text = format!("cleared what {probes} earlier probes left behind");
            self.note(TimelineKind::Note, text);
        }
    }

    /// The connect hook tells the name of a thread; /proc that of the process.
    fn name_callers(&mut self) {
        let fresh: Vec<u32> = self
            .model
            .dependencies()
            .iter()
            .map(|it| it.pid)
            .filter(|pid| *pid != 0 && !self.named.contains(pid))
            .collect();
        if self.named.len() + fresh.len() > MOST_NAMED {
            self.named.clear();
        }
        for pid in fresh {
            self.named.insert(pid);
            if let Some(command) = process::command_name(pid) {
                let cgroup = process::cgroup(pid).unwrap_or_default();
                self.model.name_process(pid, Process { command, cgroup });
            }
        }
    }

    fn name_services(&mut self) {
        let unnamed: Vec<(u64, u16)> = self
            .model
            .services()
            .iter()
            .filter(|it| it.pid == 0)
            .map(|it| (it.netns_cookie, it.port))
            .collect();
        for (netns_cookie, port) in unnamed {
            if let Some(owner) = self.owners.of(netns_cookie, port) {
                let process = Process {
                    command: owner.command.clone(),
                    cgroup: owner.cgroup.clone(),
                };
                self.model
                    .name_service(netns_cookie, port, owner.pid, process);
            }
        }
    }
}

impl Evidence for Session {
    fn service(&self, from_ns: u64, to_ns: u64) -> WindowStats {
        self.model.service(from_ns, to_ns)
    }

    fn dependency(&self, name: &str, from_ns: u64, to_ns: u64) -> WindowStats {
        self.model.dependency(name, from_ns, to_ns)
    }

    fn lost_events(&self) -> u64 {
        // A call that isn't remembered by its time is lost to a span as well.
        self.lost_events + self.model.forgotten().calls
    }
}
