//! Probing on purpose: one fault after another, each to make a pattern show itself, with calm in
//! between to compare with; observed all the while.

use std::time::Duration;

use anyhow::Result;
use tokio::time::sleep;

use super::{
    injection::{Prepared, Progress, Request},
    run::ticker,
    session::Session,
    signals::Signals,
};
use crate::{
    model::{Names, Scope},
    pattern::Showing,
    plan::Endpoint,
    report::injection::{EndedBy, Injection},
};

/// What is asked.
pub struct Wanted {
    /// What is looked at: wider than what is faulted, so that what goes on beside it is seen.
    pub scope: Scope,
    /// What far sides are called.
    pub names: Names,
    /// The faults, one after another.
    pub requests: Vec<Request>,
    /// How long nothing is injected, before the first and after each.
    pub calm: Duration,
}

/// What came of it.
pub struct Fingerprint {
    /// Which patterns showed.
    pub showing: Showing,
    /// When it began, on CLOCK_MONOTONIC.
    pub from_ns: u64,
    /// What became of each fault.
    pub injections: Vec<Injection>,
    /// Where the faults were.
    pub endpoints: Vec<Endpoint>,
    /// Events lost meanwhile.
    pub lost_events: u64,
    /// Why it ended early, if it did.
    pub stopped: Option<String>,
}

/// What happens meanwhile.
pub enum Told<'a> {
    /// Nothing is injected for so long.
    Calm(Duration),
    /// A fault is armed.
    Armed(&'a str),
    /// What is told of a pattern changed.
    Pattern(&'a str),
}

/// Runs the faults.
///
/// # Errors
/// Where the host can't observe or inject. No fault holds then.
pub async fn fingerprint(wanted: Wanted, mut tell: impl FnMut(Told<'_>)) -> Result<Fingerprint> {
    let mut signals = Signals::take()?;
    let mut session = Session::begin(wanted.scope, wanted.names)?;
    let mut injections = Vec::new();
    let mut endpoints = Vec::new();
    let mut stopped = calm(&mut session, &mut signals, wanted.calm, &mut tell).await?;
    for request in wanted.requests {
        if stopped.is_some() {
            break;
        }
        let prepared = Prepared::new(request)?;
        let label = prepared.request().fault.to_string();
        let injection = inject(prepared, &mut session, &label, &mut tell).await?;
        endpoints.clone_from(&injection.endpoints);
        stopped = match &injection.ended_by {
            EndedBy::Deadline | EndedBy::Done(_) => None,
            other => Some(other.reason().to_owned()),
        };
        injections.push(injection);
        if stopped.is_none() {
            stopped = calm(&mut session, &mut signals, wanted.calm, &mut tell).await?;
        }
    }
    session.end(|_, _| ())?;
    Ok(Fingerprint {
        showing: session.patterns(),
        from_ns: session.started_ns,
        injections,
        endpoints,
        lost_events: session.lost_events,
        stopped,
    })
}

/// Observes for a while; tells which signal ended that, if one did.
async fn calm(
    session: &mut Session,
    signals: &mut Signals,
    time: Duration,
    tell: &mut impl FnMut(Told<'_>),
) -> Result<Option<String>> {
    tell(Told::Calm(time));
    let over = sleep(time);
    tokio::pin!(over);
    let mut tick = ticker();
    loop {
        tokio::select! {
            _ = tick.tick() => advance(session, tell)?,
            () = &mut over => return Ok(None),
            name = signals.any() => return Ok(Some(format!("a person stopped it ({name})"))),
        }
    }
}

/// Injects, and observes meanwhile. Whoever stops it stops the fault first.
async fn inject(
    prepared: Prepared,
    session: &mut Session,
    label: &str,
    tell: &mut impl FnMut(Told<'_>),
) -> Result<Injection> {
    let mut unheard = |_: Progress| ();
    let injecting = prepared.inject(&mut unheard);
    tokio::pin!(injecting);
    let mut tick = ticker();
    tell(Told::Armed(label));
    loop {
        tokio::select! {
            _ = tick.tick() => advance(session, tell)?,
            injection = &mut injecting => return injection,
        }
    }
}

fn advance(session: &mut Session, tell: &mut impl FnMut(Told<'_>)) -> Result<()> {
    session.advance(|_, _| ())?;
    for text in session.take_news() {
        tell(Told::Pattern(&text));
    }
    Ok(())
}
