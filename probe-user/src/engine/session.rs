//! What is observed, from the moment the observer is attached: events in, model kept, processes
//! and services named.

use std::collections::{HashMap, HashSet};

use anyhow::Result;
use probe_common::{event::Event, flow::PeerKey};

use super::{
    last_calls::LastCalls,
    trends::{Trends, parties},
};
use crate::{
    game_day::Evidence,
    kernel::{cgroups, clock, observer::Observer, owners::Owners, process, touched::Touched},
    model::{
        Accounts, Call, Dependency, Model, Names, Process, Scope, Undeclared, WindowStats,
        undeclared::undeclared,
    },
    pattern::{Feed, News, Settings, Sheet, Showing, Verdict, find, recording::Line, sheets},
    report::patterns::told,
    snapshot::{CallView, PatternView, TimelineEntry, TimelineKind},
};

/// How long calls are remembered one by one; totals are kept beyond.
const MEMORY_NS: u64 = 2 * 3_600 * 1_000_000_000;

/// Processes that are remembered to have been named; beyond, they are named again.
const MOST_NAMED: usize = 65_536;

/// Paths of cgroups that are remembered.
const MOST_CGROUPS: usize = 1_024;

/// How often it is looked at which resilience patterns show.
const JUDGE_NS: u64 = 500_000_000;

/// Changes of verdicts that are kept until somebody tells them.
const MOST_NEWS: usize = 1_000;

/// Services and dependencies whose patterns are shown.
const MOST_VIEWS: usize = 64;

/// Lines of the timeline that are kept.
const MOST_NOTES: usize = 4_000;

/// A running observation.
pub struct Session {
    observer: Observer,
    owners: Owners,
    named: HashSet<u32>,
    /// Paths of cgroups whose processes are gone, by id.
    cgroups: HashMap<u64, Option<String>>,
    /// What was observed.
    pub model: Model,
    /// When it began, on CLOCK_MONOTONIC.
    pub started_ns: u64,
    /// Events that there was no room for, and times that a peer found no slot.
    pub lost_events: u64,
    /// Which resilience patterns show.
    feed: Feed,
    judge_ns: u64,
    news: Vec<String>,
    /// What is known of resilience patterns, as it is shown.
    pub pattern_views: Vec<PatternView>,
    /// What happened, apart from a game day's own timeline.
    pub timeline: Vec<TimelineEntry>,
    /// The last minute of everybody.
    pub trends: Trends,
    last_calls: LastCalls,
    /// What was found of each service and dependency, by its number.
    sheets: HashMap<u32, Sheet>,
}

impl Session {
    /// Begins to observe.
    ///
    /// # Errors
    /// Where the host can't: see `probe doctor`.
    pub fn begin(scope: Scope, names: Names) -> Result<Self> {
        let mut observer = Observer::open()?;
        let mut model = Model::new(scope, names);
        for it in observer.take_met() {
            model.was_there(it.cookie, &it.near, &it.far);
        }
        model.set_ledger(Box::new(Touched::default()));
        let mut named = HashSet::new();
        // Who has connections already made them before any hook could tell of it.
        for pid in observer.callers() {
            name_process(&mut model, &mut named, pid);
        }
        Ok(Self {
            observer,
            owners: Owners::default(),
            named,
            cgroups: HashMap::new(),
            model,
            started_ns: clock::now_ns(),
            lost_events: 0,
            feed: Feed::new(Settings::default()),
            judge_ns: 0,
            news: Vec::new(),
            pattern_views: Vec::new(),
            timeline: Vec::new(),
            trends: Trends::default(),
            last_calls: LastCalls::default(),
            sheets: HashMap::new(),
        })
    }

    /// Takes in what came since the last time, handing on the calls that ended.
    ///
    /// # Errors
    /// Where the kernel's maps can't be read any more.
    pub fn advance(&mut self, mut ended: impl FnMut(&Call, &Model)) -> Result<()> {
        // Before the calls, which may have been in one of them.
        self.model.refresh_ledger();
        let Self {
            observer,
            model,
            named,
            feed,
            last_calls,
            started_ns,
            ..
        } = self;
        observer.poll(|event, peer| {
            // Before anything is made of it: a scope may ask for the process's name, and the hook
            // tells that of a thread.
            if let Event::Connect(connect) = event {
                name_process(model, named, connect.pid);
            }
            take_in(model, event, peer, |call, model| {
                feed.take(call, model);
                last_calls.take(call, model, *started_ns);
                ended(call, model);
            })
        });
        self.model.set_in_flight(&self.observer.gauges());
        self.observer
            .recycle(|peer, counted| self.model.fold(peer, counted))?;
        // What is laid to nobody is lost to every verdict as well.
        self.lost_events = self.observer.accounts()?.untold();
        self.name_callers();
        self.name_services();
        self.feed.assign(&self.model);
        self.judge_patterns();
        let now_ns = clock::now_ns();
        self.trends
            .advance(parties(&self.model), self.started_ns, now_ns);
        self.trends
            .reckon(parties(&self.model), self.started_ns, now_ns);
        self.model
            .forget_before(clock::now_ns().saturating_sub(MEMORY_NS));
        Ok(())
    }

    /// Takes in how much payload there was, as the kernel programs count it.
    ///
    /// # Errors
    /// Where their maps can't be read any more.
    pub fn take_counts(&mut self) -> Result<()> {
        self.model.count_traffic(&self.observer.counted()?);
        Ok(())
    }

    /// What the observation can be held to so far.
    ///
    /// # Errors
    /// Where the kernel's maps can't be read any more.
    pub fn accounts(&self) -> Result<Accounts> {
        let mut accounts = self.observer.accounts()?;
        accounts.flows.present = self.observer.flows_present()?;
        accounts.forgotten = self.model.forgotten();
        Ok(accounts)
    }

    /// Takes the programs away, takes in what they had still told, and makes the totals the
    /// kernel's where events were lost. Gives the books of the whole observation.
    ///
    /// # Errors
    /// Where the programs can't be taken away, or their maps not be read.
    pub fn end(&mut self, mut ended: impl FnMut(&Call, &Model)) -> Result<Accounts> {
        let Self {
            observer,
            model,
            feed,
            ..
        } = self;
        observer.end(|event, peer| {
            take_in(model, event, peer, |call, model| {
                feed.take(call, model);
                ended(call, model);
            })
        })?;
        let lost = observer.accounts()?.events.lost;
        model.settle(&observer.counted()?, lost > 0);
        model.count_traffic(&[]);
        let accounts = self.accounts()?;
        self.lost_events = accounts.untold();
        self.name_callers();
        self.name_services();
        self.settle_patterns();
        Ok(accounts)
    }

    /// Which resilience patterns show, as of the last time that was looked at.
    pub fn patterns(&self) -> Showing {
        Showing::of(&self.feed, &self.model)
    }

    /// Keeps all that resilience patterns are told by, until it is taken.
    pub fn keep_record(&mut self) {
        self.feed.keep_record();
    }

    /// What they were told by since the last time, a line of JSON each.
    pub fn take_record(&mut self) -> Vec<String> {
        let lines = self.feed.take_record();
        lines.iter().map(Line::json).collect()
    }

    /// What changed in that since it was asked for, in words.
    pub fn take_news(&mut self) -> Vec<String> {
        std::mem::take(&mut self.news)
    }

    /// Has every pattern's verdict made anew, as the last word.
    pub fn settle_patterns(&mut self) {
        let now_ns = clock::now_ns();
        self.feed.assign(&self.model);
        self.feed.look(&self.model, self.lost_events, now_ns);
        let news = self.feed.settle(now_ns);
        self.tell(&news);
    }

    fn judge_patterns(&mut self) {
        let now_ns = clock::now_ns();
        if now_ns < self.judge_ns {
            return;
        }
        self.feed.look(&self.model, self.lost_events, now_ns);
        let news = self.feed.judge(now_ns);
        self.tell(&news);
        // However long it takes, it takes no more than a small share of the time.
        let took_ns = clock::now_ns().saturating_sub(now_ns);
        self.judge_ns = now_ns + JUDGE_NS.max(20 * took_ns);
    }

    fn tell(&mut self, news: &[News]) {
        let sheets = sheets(&self.feed, &self.model);
        let views = sheets.iter().map(|it| PatternView {
            name: it.name(),
            told: told(it),
        });
        self.pattern_views = views.filter(|it| !it.told.is_empty()).collect();
        self.pattern_views.truncate(MOST_VIEWS);
        let numbered = sheets.into_iter().map(|it| (it.findings.dependency, it));
        self.sheets = numbered.collect();
        for it in news {
            let Some(to) = find(&self.model, it.dependency) else {
                continue;
            };
            let name = it.pattern.replace('_', " ");
            let what = match it.verdict {
                Verdict::Observed => format!("{name} observed"),
                Verdict::Absent => format!("no {name}"),
                Verdict::Unknown => format!("{name} can't be told any more"),
            };
            if self.news.len() < MOST_NEWS {
                let text = format!("{} → {}: {what}: {}", to.service, to.name, it.words);
                self.news.push(text);
            }
        }
    }

    /// What was found of a dependency by the last time that was looked at.
    pub fn sheet(&self, dependency: &Dependency) -> Option<&Sheet> {
        let mut numbers = dependency.was.iter().chain([&dependency.number]).rev();
        numbers.find_map(|number| self.sheets.get(number))
    }

    /// When faults were on a dependency: pairs of times on CLOCK_MONOTONIC.
    pub fn faults_on(&self, dependency: u32) -> Vec<(u64, u64)> {
        self.feed.faults_on(dependency)
    }

    /// The last calls to a dependency, oldest first.
    pub fn last_calls(&self, dependency: u32) -> Vec<CallView> {
        self.last_calls.of(dependency)
    }

    /// Time since it began, at a time on CLOCK_MONOTONIC.
    pub fn elapsed_ms(&self, now_ns: u64) -> u64 {
        now_ns.saturating_sub(self.started_ns) / 1_000_000
    }

    /// Notes something in the timeline.
    pub fn note(&mut self, kind: TimelineKind, text: String) {
        let at_ms = self.elapsed_ms(clock::now_ns());
        if self.timeline.len() >= MOST_NOTES {
            self.timeline.remove(0);
        }
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
            name_process(&mut self.model, &mut self.named, pid);
            if self.named.insert(pid)
                && let Some(process) = self.of_the_past(pid)
            {
                self.model.name_process(pid, process);
            }
        }
    }

    /// A process that is gone, as far as the connect hook told of it, and the cgroup that its
    /// sockets were in.
    fn of_the_past(&mut self, pid: u32) -> Option<Process> {
        let known = self.model.process(pid)?.clone();
        let mut its = self.model.dependencies().iter().filter(|it| it.pid == pid);
        let id = its.next()?.cgroup_id();
        if self.cgroups.len() >= MOST_CGROUPS {
            self.cgroups.clear();
        }
        // Looking for one is a walk through all of them.
        let path = self
            .cgroups
            .entry(id)
            .or_insert_with(|| cgroups::path_of(id));
        Some(Process {
            cgroup: path.clone()?,
            ..known
        })
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

/// Takes in an event and hands on the calls that ended with it; tells whether anything more of its
/// peer is wanted.
fn take_in(
    model: &mut Model,
    event: &Event<'_>,
    peer: Option<&PeerKey>,
    mut ended: impl FnMut(&Call, &Model),
) -> bool {
    let mut next = model.observe(event, peer);
    let is_wanted = next.is_some() || peer.is_none_or(|it| model.wants(it));
    while let Some(call) = next {
        ended(&call, model);
        next = model.ended_as_well();
    }
    is_wanted
}

/// Tells who a process is that wasn't told yet, while it is there.
fn name_process(model: &mut Model, named: &mut HashSet<u32>, pid: u32) {
    if pid == 0 || named.contains(&pid) {
        return;
    }
    let Some(command) = process::command_name(pid) else {
        return;
    };
    if named.len() >= MOST_NAMED {
        named.clear();
    }
    named.insert(pid);
    let cgroup = process::cgroup(pid).unwrap_or_default();
    model.name_process(pid, Process { command, cgroup });
}

impl Evidence for Session {
    fn service(&self, from_ns: u64, to_ns: u64) -> WindowStats {
        self.model.service(from_ns, to_ns)
    }

    fn dependency(&self, name: &str, from_ns: u64, to_ns: u64) -> WindowStats {
        self.model.dependency(name, from_ns, to_ns)
    }

    fn in_flight(&self, name: &str) -> Option<u32> {
        let named = |it: &&crate::model::Dependency| it.name == name;
        let found = self.model.dependencies().iter().filter(named);
        found
            .map(|it| it.party.in_flight)
            .reduce(u32::saturating_add)
    }

    fn lost_events(&self) -> u64 {
        // A call that isn't remembered by its time is lost to a span as well.
        self.lost_events + self.model.forgotten().calls
    }

    fn undeclared(&self) -> Vec<Undeclared> {
        undeclared(&self.model)
    }

    fn patterns(&self) -> Showing {
        self.patterns()
    }
}
