//! One picture of one moment, for screen and report.

use super::{game::Game, session::Session};
use crate::{
    kernel::clock,
    model::{Dependency, Party, Service, WindowStats},
    snapshot::{DependencyView, FaultView, SecondView, ServiceView, Snapshot},
};

const SECOND_NS: u64 = 1_000_000_000;
/// Seconds over which "now" is told.
const RECENT: u64 = 10;
/// Seconds that trends go back.
const TREND: u64 = 60;

/// Makes a picture of a session, and of the game day in it.
pub fn take(session: &Session, game: Option<&Game>, faults: Vec<FaultView>) -> Snapshot {
    let now_ns = clock::now_ns();
    let camera = Camera {
        session,
        game,
        now_ns,
    };
    let mut timeline = session.timeline.clone();
    if let Some(game) = game {
        timeline.extend_from_slice(game.day.timeline());
        timeline.sort_by_key(|entry| entry.at_ms);
    }
    Snapshot {
        elapsed_ms: now_ns.saturating_sub(session.started_ns) / 1_000_000,
        title: game.map_or_else(|| "watch".into(), |game| game.day.scenario().name.clone()),
        dependencies: camera.dependencies(),
        services: session
            .model
            .services()
            .iter()
            .map(|it| camera.service(it))
            .collect(),
        faults,
        patterns: session.pattern_views.clone(),
        timeline,
        game_day: game.map(|game| game.day.view(now_ns, session)),
        lost_events: session.lost_events,
        notices: Vec::new(),
        replay: None,
    }
}

struct Camera<'a> {
    session: &'a Session,
    game: Option<&'a Game>,
    now_ns: u64,
}

impl Camera<'_> {
    fn dependencies(&self) -> Vec<DependencyView> {
        let mut views: Vec<_> = self
            .session
            .model
            .dependencies()
            .iter()
            .map(|it| self.dependency(it))
            .collect();
        views.sort_by(|a, b| (&a.service, &a.name, a.pid).cmp(&(&b.service, &b.name, b.pid)));
        views
    }

    fn dependency(&self, dependency: &Dependency) -> DependencyView {
        let spans = self
            .game
            .map_or_else(Vec::new, |game| game.fault_spans(&dependency.name));
        let party = &dependency.party;
        DependencyView {
            service: dependency.service.clone(),
            pid: dependency.pid,
            name: dependency.name.clone(),
            remote: dependency.remote.to_string(),
            recent: self.recent(party),
            baseline: self.baseline(party),
            in_flight: party.in_flight,
            in_flight_max: party.in_flight_max,
            seconds: self.seconds(party, &spans),
            faulted: spans
                .iter()
                .any(|(from, to)| (*from..*to).contains(&self.now_ns)),
        }
    }

    fn service(&self, service: &Service) -> ServiceView {
        let party = &service.party;
        let named = self.game.map(|game| &game.day.scenario().service);
        let name = named
            .filter(|it| it.listen.is_none_or(|port| port == service.port))
            .map_or_else(|| service.process.command.clone(), |it| it.name.clone());
        ServiceView {
            name,
            listen: format!(":{}", service.port),
            recent: self.recent(party),
            baseline: self.baseline(party),
            seconds: self.seconds(party, &[]),
        }
    }

    fn recent(&self, party: &Party) -> WindowStats {
        let from_ns = self
            .now_ns
            .saturating_sub(RECENT * SECOND_NS)
            .max(self.session.started_ns);
        party.history.window(from_ns, self.now_ns)
    }

    fn baseline(&self, party: &Party) -> Option<WindowStats> {
        let (from_ns, to_ns) = self.game?.day.steady_span()?;
        Some(party.history.window(from_ns, to_ns))
    }

    /// Whole seconds of CLOCK_MONOTONIC, so that a picture's columns stay where they are as
    /// time goes on.
    fn seconds(&self, party: &Party, faults: &[(u64, u64)]) -> Vec<SecondView> {
        let last = self.now_ns / SECOND_NS;
        let first = (last.saturating_sub(TREND)).max(self.session.started_ns / SECOND_NS);
        (first..last)
            .map(|second| {
                let (from, to) = (second * SECOND_NS, (second + 1) * SECOND_NS);
                let window = party.history.window(from, to);
                SecondView {
                    p50_us: window.latency.quantile_us(0.5),
                    ok: window.ok as u32,
                    failed: window.failed() as u32,
                    faulted: faults
                        .iter()
                        .any(|(began, ended)| *began < to && *ended > from),
                }
            })
            .collect()
    }
}
