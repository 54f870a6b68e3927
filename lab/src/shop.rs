//! The shop: answers customers with what its dependencies say, and stays in business when they
//! don't. Each resilience pattern is a file of its own, and each can be taken out.

mod bulkhead;
mod call_error;
mod circuit_breaker;
mod dependency;
mod door;
mod fallback;
mod load_shedding;
mod pages;
mod pattern;
mod retry;
mod tally;
mod timeout;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;

pub(crate) use self::pages::DEGRADED;
pub(crate) use self::pattern::{Pattern, Patterns};

use self::door::Door;
use crate::cli::RoleArguments;
use crate::client::Client;
use crate::record::Recorder;
use crate::role::{Lifeline, say_ready};
use crate::server;
use crate::topology::{PORT, Role};

/// How long dependencies may take to answer for the first time.
const OPENING: Duration = Duration::from_secs(5);

/// Opens the shop once its dependencies answer, and closes it when the lifeline is cut. Returns
/// what the shop counted.
pub(crate) async fn open(
    arguments: &RoleArguments,
    recorder: Recorder,
    mut lifeline: Lifeline,
) -> Result<Value> {
    let mut clients = Vec::new();
    for role in Role::DEPENDENCIES {
        let of_it = arguments.calls.iter().filter(|(called, _)| *called == role);
        let addresses: Vec<_> = of_it.map(|(_, address)| *address).collect();
        let client = Client::new(Role::Shop, role, addresses, recorder.clone());
        let client = client.asking(arguments.resolver);
        lifeline
            .unless_cut(client.wait_until_healthy(OPENING))
            .await?;
        clients.push((role, client));
    }
    let patterns = Patterns::all_but(&arguments.without);
    let door = Arc::new(Door::new(
        clients,
        patterns,
        arguments.seed,
        arguments.verbose,
    )?);
    let listener = server::listen(PORT).with_context(|| format!("listen on port {PORT}"))?;
    let shop = Arc::clone(&door);
    let answering = server::serve(listener, move |request| {
        let shop = Arc::clone(&shop);
        async move { shop.answer(&request).await }
    });
    say_ready()?;
    tokio::select! {
        never = answering => match never {},
        () = lifeline.cut() => {}
    }
    Ok(door.summary())
}
