//! What is observed, from the moment the observer is attached: events in, model kept, processes
//! and services named.

use std::collections::HashSet;

use anyhow::Result;

use crate::{
    game_day::Evidence,
    kernel::{clock, observer::Observer, owners::Owners, process, touched::Touched},
    model::{Call, Model, Names, Process, Scope, WindowStats},
    snapshot::{TimelineEntry, TimelineKind},
};

/// How long calls are remembered one by one; totals are kept beyond.
const MEMORY_NS: u64 = 2 * 3_600 * 1_000_000_000;

/// A running observation.
pub struct Session {
    observer: Observer,
    owners: Owners,
    named: HashSet<u32>,
    /// What was observed.
    pub model: Model,
    /// When it began, on CLOCK_MONOTONIC.
    pub started_ns: u64,
    /// Events that the ring had no room for, and connections whose peer found no slot.
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
        let observer = Observer::open()?;
        let mut model = Model::new(scope, names);
        model.set_ledger(Box::new(Touched::default()));
        Ok(Self {
            observer,
            owners: Owners::default(),
            named: HashSet::new(),
            model,
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
            if let Some(call) = model.observe(event, peer) {
                ended(&call, model);
            }
        });
        self.model.set_in_flight(&self.observer.gauges());
        let counters = self.observer.counters()?;
        // What is laid to nobody is lost to every verdict as well.
        self.lost_events = counters.lost + counters.peers_full;
        self.name_callers();
        self.name_services();
        self.model
            .forget_before(clock::now_ns().saturating_sub(MEMORY_NS));
        Ok(())
    }

    /// Latencies as the kernel programs counted them, merged into the model's dependencies where
    /// events were lost: those are then the truth.
    pub fn observer(&mut self) -> &mut Observer {
        &mut self.observer
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
        self.lost_events
    }
}
