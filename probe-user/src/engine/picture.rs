//! One picture of one moment, for screen and report.

use super::{game::Game, session::Session, trends::PartyKey};
use crate::{
    kernel::clock,
    model::{Dependency, Party, Service, WindowStats},
    report::patterns::{breaker_at, evidence},
    snapshot::{Breaker, DependencyView, FaultView, SecondView, ServiceView, Snapshot},
};

const SECOND_NS: u64 = 1_000_000_000;

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
        can_inject: false,
        trial: None,
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
        let mut spans = self
            .game
            .map_or_else(Vec::new, |game| game.fault_spans(&dependency.name));
        spans.extend(self.session.faults_on(dependency.number));
        let party = &dependency.party;
        let sheet = self.session.sheet(dependency);
        let breaker = |at_ns: u64| sheet.and_then(|it| breaker_at(it, at_ns));
        let found = sheet.map(|it| &it.findings);
        let key = PartyKey::Dependency(dependency.number);
        let remotes = dependency.remotes();
        DependencyView {
            service: dependency.service.clone(),
            pid: dependency.pid,
            name: dependency.name.clone(),
            remote: dependency.remote.to_string(),
            recent: self.session.trends.recent(key),
            baseline: self.baseline(party),
            in_flight: party.in_flight,
            in_flight_max: party.in_flight_max,
            seconds: self.seconds(key, &spans, &breaker),
            faulted: spans
                .iter()
                .any(|(from, to)| (*from..*to).contains(&self.now_ns)),
            remotes: remotes.iter().map(ToString::to_string).collect(),
            protocol: party.protocol().to_owned(),
            breaker: breaker(self.now_ns),
            limit: found.and_then(|it| it.bulkhead.limit),
            attempts_max: found.and_then(|it| it.retry.attempts_max),
            amplification: found.and_then(|it| it.retry.amplification),
            calls: self.session.last_calls(dependency.number),
            evidence: sheet.map_or_else(Vec::new, evidence),
        }
    }

    fn service(&self, service: &Service) -> ServiceView {
        let party = &service.party;
        let key = PartyKey::of_service(service);
        let named = self.game.map(|game| &game.day.scenario().service);
        let name = named
            .filter(|it| it.listen.is_none_or(|port| port == service.port))
            .map_or_else(|| service.process.command.clone(), |it| it.name.clone());
        ServiceView {
            name,
            listen: format!(":{}", service.port),
            recent: self.session.trends.recent(key),
            baseline: self.baseline(party),
            seconds: self.seconds(key, &[], &|_| None),
        }
    }

    fn baseline(&self, party: &Party) -> Option<WindowStats> {
        let (from_ns, to_ns) = self.game?.day.steady_span()?;
        Some(party.history.window(from_ns, to_ns))
    }

    /// Whole seconds of CLOCK_MONOTONIC, so that a picture's columns stay where they are as
    /// time goes on.
    fn seconds(
        &self,
        key: PartyKey,
        faults: &[(u64, u64)],
        breaker: &dyn Fn(u64) -> Option<Breaker>,
    ) -> Vec<SecondView> {
        let told = self.session.trends.of(key);
        let with_faults = |(second, view): (u64, &SecondView)| {
            let (from, to) = (second * SECOND_NS, (second + 1) * SECOND_NS);
            SecondView {
                faulted: faults
                    .iter()
                    .any(|(began, ended)| *began < to && *ended > from),
                breaker: breaker(to),
                ..*view
            }
        };
        told.map(with_faults).collect()
    }
}
