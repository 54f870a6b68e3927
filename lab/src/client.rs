//! An HTTP/1.1 client with a small pool of kept-alive connections. A call that isn't waited for
//! any more closes its connection, and every call goes into the record as the socket saw it.
//! It neither retries nor judges: that is up to whoever calls.

mod exchange;
mod failure;
pub(crate) mod lookup;
mod pool;
mod stamped;

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::header::{HOST, HeaderValue};
use hyper::{HeaderMap, Request, Uri};
use tokio::time::{sleep, timeout};

pub(crate) use self::failure::Failure;

use self::exchange::Exchange;
use self::lookup::Lookup;
use self::pool::Pool;
use crate::record::Recorder;
use crate::topology::Role;

/// How long a server may take to say that it is healthy, and how long to wait before asking again.
const ONE_TRY: Duration = Duration::from_secs(1);
const BETWEEN_TRIES: Duration = Duration::from_millis(20);

/// Calls one server, or several that are the same.
pub(crate) struct Client {
    from: Role,
    to: Role,
    /// One for each address.
    pools: Vec<Pool>,
    /// Counts calls.
    turn: AtomicUsize,
    /// Where it is asked, before each call, where to go.
    lookup: Option<Lookup>,
    recorder: Recorder,
}

/// An answer, read to its end.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// Its status code.
    pub(crate) status: u16,
    /// Its header fields.
    pub(crate) headers: HeaderMap,
    /// Its body.
    pub(crate) body: Bytes,
    /// From just before the request was written to the answer's first bytes.
    pub(crate) latency_ns: u64,
}

impl Answer {
    /// Whether the server says that it failed.
    pub(crate) fn is_server_error(&self) -> bool {
        self.status >= 500
    }
}

impl Client {
    /// Makes a client that connects when it is first needed. Where there are several addresses,
    /// calls go to each in turn.
    pub(crate) fn new(
        from: Role,
        to: Role,
        addresses: Vec<SocketAddr>,
        recorder: Recorder,
    ) -> Self {
        Self {
            from,
            to,
            pools: addresses.into_iter().map(Pool::new).collect(),
            turn: AtomicUsize::new(0),
            lookup: None,
            recorder,
        }
    }

    /// The same, which asks a resolver before each call where to go.
    pub(crate) fn asking(self, resolver: Option<IpAddr>) -> Self {
        let lookup = resolver.map(|resolver| Lookup::of(self.to, resolver));
        Self { lookup, ..self }
    }

    /// Calls, and waits for the whole answer; for as long as it takes if no `patience` is given.
    pub(crate) async fn call(
        &self,
        mut request: Request<Full<Bytes>>,
        patience: Option<Duration>,
    ) -> Result<Answer, Failure> {
        request
            .headers_mut()
            .insert(HOST, HeaderValue::from_static(self.to.name()));
        let path = request.uri().path().to_owned();
        let mut exchange = Exchange::begin(self.from, self.to, path, self.recorder.clone());
        let work = self.exchange(request, &mut exchange);
        let result = match patience {
            // What runs out of time is dropped, and its connection with it.
            Some(patience) => timeout(patience, work)
                .await
                .unwrap_or(Err(Failure::Timeout)),
            None => work.await,
        };
        exchange.finish(result)
    }

    /// Asks for the server's health until it answers, for at most `patience`.
    pub(crate) async fn wait_until_healthy(&self, patience: Duration) -> anyhow::Result<()> {
        let asking = async {
            loop {
                let mut request = Request::new(Full::default());
                *request.uri_mut() = Uri::from_static("/health");
                if self.call(request, Some(ONE_TRY)).await.is_ok() {
                    return;
                }
                sleep(BETWEEN_TRIES).await;
            }
        };
        timeout(patience, asking)
            .await
            .with_context(|| format!("wait for {}", self.to.name()))
    }

    async fn exchange(
        &self,
        request: Request<Full<Bytes>>,
        exchange: &mut Exchange,
    ) -> Result<Answer, Failure> {
        let turn = self.turn.fetch_add(1, Relaxed);
        let pool = match &self.lookup {
            None => self.pools.get(turn % self.pools.len().max(1)),
            Some(lookup) => {
                let address = lookup.resolve().await?;
                self.pools
                    .iter()
                    .find(|pool| pool.address().ip() == address)
            }
        };
        let pool = pool.ok_or(Failure::Unreachable)?;
        let mut connection = pool.take().await?;
        exchange.use_stamps(connection.arm());
        let response = connection.send(request).await?;
        let (head, body) = response.into_parts();
        let body = body
            .collect()
            .await
            .map_err(|error| Failure::of_exchange(&error))?
            .to_bytes();
        pool.give_back(connection);
        let status = head.status.as_u16();
        Ok(Answer {
            status,
            headers: head.headers,
            body,
            latency_ns: exchange.latency_ns(),
        })
    }
}
