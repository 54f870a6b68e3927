//! The dashboard over what goes on, without a game day.

use std::sync::Arc;

use super::{
    by_hand::ByHand,
    picture,
    place::Place,
    run::ticker,
    screen::{Said, Screen},
    session::Session,
    signals::Signals,
    trail::{self, Safeguards},
};
use crate::{
    fault,
    kernel::{
        clock,
        host::{self, Armed},
        leftovers,
    },
    model::{Names, Scope},
    plan::Endpoint,
    scenario::Scenario,
    snapshot::{FaultView, Snapshot, TimelineKind},
    tui::{self, Command},
    verdict::FaultCounters,
};
use anyhow::{Context, Result};

/// How many ticks lie between two looks at what is armed on the host.
const LOOK_EVERY: u32 = 10;

/// Shows what is observed until the person leaves or a signal comes.
///
/// # Errors
/// Where the host can't be observed, or there is no terminal.
pub async fn watch(
    scope: Scope,
    names: Names,
    look: tui::Options,
    safeguards: Safeguards,
) -> Result<()> {
    // Before the screen, which isn't for what it says.
    let cleared = leftovers::clear();
    let mut signals = Signals::take()?;
    // Shown at once: what is behind it takes a while to be there.
    let mut screen = Screen::open(Snapshot::default(), look).await;
    let mut watching = match Watching::begin(scope, names, safeguards) {
        Ok(watching) => watching,
        Err(error) => {
            // The terminal is given back before anything is told on it.
            let _ = screen.close().await;
            return Err(error);
        }
    };
    watching.session.note_cleared(cleared);
    let mut tick = ticker();
    let mut ticks = 0u32;
    let mut observed = Ok(());
    loop {
        tokio::select! {
            _ = tick.tick() => {
                observed = watching.session.advance(|_, _| ());
                if observed.is_err() {
                    break;
                }
                watching.note_patterns();
                watching.note_by_hand();
                if ticks.is_multiple_of(LOOK_EVERY) {
                    watching.look_for_faults();
                }
                if ticks.is_multiple_of(2) {
                    screen.show(Arc::new(watching.picture()));
                }
                ticks = ticks.wrapping_add(1);
            }
            said = screen.next() => match said {
                Said::Asked(command) => watching.obey(command),
                Said::Ended => break,
            },
            _ = signals.any() => break,
        }
    }
    let (ended, asked) = screen.close().await;
    for command in asked {
        watching.obey(command);
    }
    watching.by_hand.end_all().await;
    observed?;
    ended.context("the dashboard")
}

/// What a scenario looks at, and what it calls that.
///
/// # Errors
/// Where its namespace isn't there, or a name in it means nothing.
pub fn named_by(scenario: &Scenario) -> Result<(Scope, Names)> {
    let place = Place::of(scenario)?;
    Ok((place.scope(scenario)?, place.names(scenario)))
}

struct Watching {
    session: Session,
    faults: Vec<Armed>,
    safeguards: Safeguards,
    by_hand: ByHand,
}

impl Watching {
    fn begin(scope: Scope, names: Names, safeguards: Safeguards) -> Result<Self> {
        Ok(Self {
            session: Session::begin(scope, names)?,
            faults: vec![],
            by_hand: ByHand::new(&safeguards.audit),
            safeguards,
        })
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Panic => self.end_every_fault(),
            // There is nothing to be replayed here.
            Command::Quit | Command::Shown | Command::Replay(_) => {}
            Command::Try { number, words } => self.by_hand.try_out(number, &words),
            Command::Inject { words } => {
                let (kind, text) = self.by_hand.start(&words);
                self.session.note(kind, text);
            }
            Command::EndFault { handle } => self.by_hand.end(handle),
        }
    }

    fn end_every_fault(&mut self) {
        // One that is being armed has no switch yet to be thrown.
        self.by_hand.let_go();
        let stopped = host::stop_all();
        if let Ok(processes) = stopped {
            trail::stopped(&self.safeguards, processes, 0);
        }
        let text = match stopped {
            Ok(0) => "no fault was active on this host".into(),
            Ok(_) => "every fault on this host was ended".into(),
            Err(error) => format!("ending every fault failed: {error:#}"),
        };
        self.session.note(TimelineKind::Alarm, text);
        self.look_for_faults();
    }

    fn note_by_hand(&mut self) {
        for (kind, text) in self.by_hand.advance() {
            self.session.note(kind, text);
        }
    }

    fn note_patterns(&mut self) {
        for text in self.session.take_news() {
            self.session.note(TimelineKind::Pattern, text);
        }
    }

    fn look_for_faults(&mut self) {
        match host::armed() {
            Ok(faults) => self.faults = faults,
            Err(error) => log::warn!("{error:#}"),
        }
    }

    fn picture(&self) -> Snapshot {
        let now_ns = clock::now_ns();
        let faults = self
            .faults
            .iter()
            .flat_map(|armed| views(armed, now_ns, &self.by_hand))
            .collect();
        Snapshot {
            can_inject: true,
            trial: self.by_hand.trial(),
            ..picture::take(&self.session, None, faults)
        }
    }
}

/// What another process injects, as it is shown.
fn views(armed: &Armed, now_ns: u64, by_hand: &ByHand) -> Vec<FaultView> {
    let whose = armed.command.as_deref().unwrap_or("?");
    let vouched = !armed.killed && armed.lease_until_ns > now_ns;
    let owner = armed.header.owner_pid;
    armed
        .rules
        .iter()
        .filter(|armed| armed.rule.deadline_ns > armed.rule.starts_ns)
        .map(|armed| {
            let rule = &armed.rule;
            let fault = fault::told(rule);
            let counters = FaultCounters::of_rule(&armed.counters, 0);
            let left = rule.deadline_ns.checked_sub(now_ns).filter(|_| vouched);
            FaultView {
                label: match by_hand.is_own(owner) {
                    true => format!("{} · {fault}", endpoints(&armed.endpoints)),
                    false => format!("{fault} by {whose} ({owner})"),
                },
                left_ms: left.map(|ns| ns / 1_000_000),
                duration_ms: (rule.deadline_ns - rule.starts_ns) / 1_000_000,
                seen: counters.seen,
                faulted: counters.touched(),
                overflow: counters.overflow,
                matched: counters.matched,
                handle: by_hand.is_own(owner).then_some(owner),
            }
        })
        .collect()
}

/// Where a fault is, in a word or two.
fn endpoints(all: &[Endpoint]) -> String {
    match all {
        [] => "processes".to_owned(),
        [one] => one.to_string(),
        [first, rest @ ..] => format!("{first} +{}", rest.len()),
    }
}
