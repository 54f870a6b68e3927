//! Observing for a while, or until somebody has seen enough.

use std::{net::SocketAddr, time::Duration};

use anyhow::Result;
use tokio::sync::mpsc;

use super::{
    hosts,
    metrics::{Asked, Server},
    run::ticker,
    session::Session,
    signals::Signals,
};
use crate::{
    kernel::{clock, listening, netns::NetnsRef},
    model::{
        Accounts, Call, Model, Names, Scope, Undeclared, listener::Listener, undeclared::undeclared,
    },
    pattern::Showing,
    report::{metrics, observed::Observation},
};

/// How many ticks lie between two words on how it goes.
const TELL_EVERY: u32 = 10;

/// What to observe, and for how long.
pub struct Wanted {
    /// What is looked at.
    pub scope: Scope,
    /// What far sides are called.
    pub names: Names,
    /// For how long; without, until a signal comes.
    pub at_most: Option<Duration>,
    /// Where metrics are served.
    pub metrics: Option<SocketAddr>,
    /// Whether those who listen without being called are of interest.
    pub with_silent: bool,
    /// Whether a scenario says what is declared.
    pub has_scenario: bool,
    /// Whether what resilience patterns are told by is told, too.
    pub with_record: bool,
}

/// What was observed.
pub struct Observed {
    /// Everything there is to tell.
    pub model: Model,
    /// How long it was.
    pub window: Duration,
    /// What that can be held to.
    pub accounts: Accounts,
    /// Who listens on this host.
    pub listeners: Vec<Listener>,
    /// Network namespaces by cookie, and how each is named to probe.
    pub namespaces: Vec<(u64, Option<String>)>,
    /// What the scenario doesn't declare; `None` without one.
    pub undeclared: Option<Vec<Undeclared>>,
    with_silent: bool,
    patterns: Showing,
    from_ns: u64,
}

impl Observed {
    /// The same, as reports read it.
    pub fn observation(&self) -> Observation<'_> {
        Observation {
            model: &self.model,
            window_ms: self.window.as_millis() as u64,
            accounts: &self.accounts,
            listeners: &self.listeners,
            with_silent: self.with_silent,
            undeclared: self.undeclared.as_deref(),
            patterns: &self.patterns,
            from_ns: self.from_ns,
        }
    }
}

/// Something that happens while it is observed.
pub enum Told<'a> {
    /// It begins; metrics are served there.
    Begun(Option<&'a Server>),
    /// A call ended.
    Call(&'a Call, &'a Model),
    /// What is told of a resilience pattern changed.
    Pattern(&'a str),
    /// Something that resilience patterns are told by: a line of JSON.
    Record(&'a str),
    /// It goes on, and for so long by now.
    Going(&'a Model, Duration),
}

/// Names from the hosts file of a network namespace.
pub fn names_of_hosts(netns: Option<&NetnsRef>) -> Names {
    Names::default().with_hosts(hosts::of(netns))
}

/// Observes for a time, or until a signal comes; `tell` is given what happens.
///
/// # Errors
/// Where the host can't be observed, or metrics not served there.
pub async fn observe(wanted: Wanted, mut tell: impl FnMut(Told<'_>)) -> Result<Observed> {
    let mut signals = Signals::take()?;
    let server = match wanted.metrics {
        Some(address) => Some(Server::bind(address).await?),
        None => None,
    };
    let mut session = Session::begin(wanted.scope, wanted.names)?;
    if wanted.with_record {
        session.keep_record();
    }
    log::info!("observing");
    tell(Told::Begun(server.as_ref()));
    let (pages, mut asked) = mpsc::channel::<Asked>(16);
    let serving = server.map(|server| tokio::spawn(server.run(pages)));
    let over = async {
        match wanted.at_most {
            Some(time) => tokio::time::sleep(time).await,
            None => std::future::pending().await,
        }
    };
    tokio::pin!(over);
    let mut tick = ticker();
    let mut ticks = 0u32;
    loop {
        tokio::select! {
            _ = tick.tick() => {
                session.advance(|call, model| tell(Told::Call(call, model)))?;
                tell_patterns(&mut session, &mut tell);
                ticks = ticks.wrapping_add(1);
                if ticks.is_multiple_of(TELL_EVERY) {
                    tell(Told::Going(&session.model, age(&session)));
                }
            }
            Some(asked) = asked.recv() => {
                session.advance(|call, model| tell(Told::Call(call, model)))?;
                session.take_counts()?;
                // Who hung up doesn't want it any more.
                let _ = asked.send(page(&session));
            }
            () = &mut over => break,
            _ = signals.any() => break,
        }
    }
    let window = age(&session);
    session.advance(|call, model| tell(Told::Call(call, model)))?;
    let accounts = session.end(|call, model| tell(Told::Call(call, model)))?;
    tell_patterns(&mut session, &mut tell);
    let (patterns, from_ns) = (session.patterns(), session.started_ns);
    if let Some(serving) = serving {
        serving.abort();
    }
    let observed = finish(
        session.model,
        accounts,
        window,
        wanted.with_silent,
        wanted.has_scenario,
    );
    Ok(Observed {
        patterns,
        from_ns,
        ..observed
    })
}

fn tell_patterns(session: &mut Session, tell: &mut impl FnMut(Told<'_>)) {
    for text in session.take_news() {
        tell(Told::Pattern(&text));
    }
    for line in session.take_record() {
        tell(Told::Record(&line));
    }
}

fn age(session: &Session) -> Duration {
    Duration::from_nanos(clock::now_ns().saturating_sub(session.started_ns))
}

fn page(session: &Session) -> String {
    let accounts = session.accounts().unwrap_or_default();
    let seen = Observation {
        model: &session.model,
        window_ms: age(session).as_millis() as u64,
        accounts: &accounts,
        listeners: &[],
        with_silent: false,
        undeclared: None,
        patterns: &Showing::default(),
        from_ns: session.started_ns,
    };
    metrics::text(&seen, env!("CARGO_PKG_VERSION"))
}

fn finish(
    model: Model,
    accounts: Accounts,
    window: Duration,
    with_silent: bool,
    has_scenario: bool,
) -> Observed {
    let listening = listening::everywhere();
    Observed {
        undeclared: has_scenario.then(|| undeclared(&model)),
        model,
        window,
        accounts,
        listeners: listening.listeners,
        namespaces: listening.namespaces,
        with_silent,
        patterns: Showing::default(),
        from_ns: 0,
    }
}
