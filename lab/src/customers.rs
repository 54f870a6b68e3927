//! The customers: an open-loop load. They come by a schedule that the shop's answers don't
//! change, as real ones do: a slow shop has more of them inside, not fewer.

mod arrivals;
mod tally;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use serde_json::Value;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use self::arrivals::{Arrival, Arrivals};
use self::tally::Tally;
use crate::cli::{RoleArguments, RushArguments};
use crate::client::Client;
use crate::record::{self, Recorder};
use crate::role::{Lifeline, say_ready};
use crate::topology::Role;

/// How long the shop may take to answer for the first time.
const OPENING: Duration = Duration::from_secs(5);

/// How long those still inside may take to finish when the shop closes.
const CLOSING: Duration = Duration::from_millis(500);

/// Sends customers to the shop until the lifeline is cut. Returns how they fared.
pub(crate) async fn load(
    arguments: &RoleArguments,
    recorder: Recorder,
    mut lifeline: Lifeline,
) -> Result<Value> {
    let (shop, address) = *arguments.calls.first().context("customers need a shop")?;
    let client = Arc::new(Client::new(Role::Customers, shop, vec![address], recorder));
    lifeline
        .unless_cut(client.wait_until_healthy(OPENING))
        .await?;
    say_ready()?;
    let patience = Duration::from_millis(arguments.patience_ms);
    let arrivals = Arrivals::new(arguments.rate, arguments.seed);
    Ok(come(client, arrivals, patience, lifeline.cut(), CLOSING).await)
}

/// Sends more customers to a shop that is open, for a while. Returns how they fared.
pub(crate) async fn rush(address: SocketAddr, arguments: &RushArguments) -> Result<Value> {
    let (recorder, writer) = record::start(None, "rush")?;
    let client = Client::new(Role::Customers, Role::Shop, vec![address], recorder);
    client.wait_until_healthy(OPENING).await?;
    let arrivals = Arrivals::new(arguments.rate, arguments.seed);
    let end = sleep(arguments.lasting);
    let patience = arguments.customers_timeout;
    let fared = come(Arc::new(client), arrivals, patience, end, patience).await;
    writer.join();
    Ok(fared)
}

/// Has customers come by a schedule until the end; those inside have so long to finish.
async fn come(
    client: Arc<Client>,
    arrivals: Arrivals,
    patience: Duration,
    end: impl Future<Output = ()>,
    closing: Duration,
) -> Value {
    let mut end = std::pin::pin!(end);
    let tally = Arc::new(Tally::default());
    let mut inside = JoinSet::new();
    let start = Instant::now();
    for arrival in arrivals {
        let due = start + arrival.at;
        tokio::select! {
            () = sleep_until(due) => {}
            () = &mut end => break,
        }
        inside.spawn(visit(
            Arc::clone(&client),
            Arc::clone(&tally),
            arrival,
            due,
            patience,
        ));
        while inside.try_join_next().is_some() {}
    }
    // Those who aren't done by then count neither as served nor as failed.
    let _ = timeout(closing, async {
        while inside.join_next().await.is_some() {}
    })
    .await;
    tally.summary(inside.len())
}

async fn visit(
    client: Arc<Client>,
    tally: Arc<Tally>,
    arrival: Arrival,
    due: Instant,
    patience: Duration,
) {
    let mut request = Request::new(Full::<Bytes>::default());
    *request.uri_mut() = arrival.target.parse().unwrap_or_default();
    let result = client.call(request, Some(patience)).await;
    // From when they wanted to come: a load generator that runs late must not hide it.
    tally.add(&result, due.elapsed());
}
