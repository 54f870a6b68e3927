//! Observing for a while, or until somebody has seen enough.

use std::time::Duration;

use anyhow::Result;

use super::{run::ticker, session::Session, signals::Signals};
use crate::{
    kernel::clock,
    model::{Accounts, Call, Model, Names, Scope},
};

/// What was observed.
pub struct Observed {
    /// Everything there is to tell.
    pub model: Model,
    /// How long it was.
    pub window: Duration,
    /// What that can be held to.
    pub accounts: Accounts,
}

/// Observes for a time, or until a signal comes; `ended` is given each call as it ends.
///
/// # Errors
/// Where the host can't be observed.
pub async fn observe(
    scope: Scope,
    at_most: Option<Duration>,
    mut ended: impl FnMut(&Call, &Model),
) -> Result<Observed> {
    let mut signals = Signals::take()?;
    let mut session = Session::begin(scope, Names::default())?;
    log::info!("observing");
    let over = async {
        match at_most {
            Some(time) => tokio::time::sleep(time).await,
            None => std::future::pending().await,
        }
    };
    tokio::pin!(over);
    let mut tick = ticker();
    loop {
        tokio::select! {
            _ = tick.tick() => session.advance(&mut ended)?,
            () = &mut over => break,
            _ = signals.any() => break,
        }
    }
    let window = Duration::from_nanos(clock::now_ns().saturating_sub(session.started_ns));
    session.advance(&mut ended)?;
    let accounts = session.end(&mut ended)?;
    Ok(Observed {
        model: session.model,
        window,
        accounts,
    })
}
