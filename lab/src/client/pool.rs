//! Connections to one address, kept alive between calls. The one used last goes out first, so
//! that a quiet client needs few of them.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::AbortHandle;

use super::failure::Failure;
use super::stamped::{Stamped, Stamps};

/// More idle connections than this are closed rather than kept.
const IDLE_MAX: usize = 32;

/// The idle connections to one address.
pub(super) struct Pool {
    address: SocketAddr,
    idle: Mutex<Vec<Connection>>,
}

impl Pool {
    /// An empty pool.
    pub(super) fn new(address: SocketAddr) -> Self {
        Self {
            address,
            idle: Mutex::default(),
        }
    }

    /// Where its connections go.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// An idle connection that still works, or else a new one.
    pub(super) async fn take(&self) -> Result<Connection, Failure> {
        while let Some(mut connection) = self.pop() {
            if connection.sender.ready().await.is_ok() {
                return Ok(connection);
            }
        }
        Connection::open(self.address).await
    }

    /// Keeps a connection whose answer was read to its end.
    pub(super) fn give_back(&self, connection: Connection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE_MAX && !connection.sender.is_closed() {
            idle.push(connection);
        }
    }

    fn pop(&self) -> Option<Connection> {
        self.idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop()
    }
}

/// One connection. Dropping it closes it, whatever is under way.
pub(super) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    stamps: Arc<Stamps>,
    task: AbortHandle,
}

impl Connection {
    async fn open(address: SocketAddr) -> Result<Self, Failure> {
        let connecting = TcpStream::connect(address).await;
        let stream = connecting.map_err(|error| Failure::of_connect(&error))?;
        // Requests are one write each: waiting for more to send would only delay them.
        let _ = stream.set_nodelay(true);
        let stamps = Arc::new(Stamps::default());
        let io = TokioIo::new(Stamped::new(stream, Arc::clone(&stamps)));
        let (sender, connection) = handshake(io)
            .await
            .map_err(|error| Failure::of_exchange(&error))?;
        let task = tokio::spawn(async {
            // Whoever waits for an answer on it is told of the error.
            let _ = connection.await;
        });
        Ok(Self {
            sender,
            stamps,
            task: task.abort_handle(),
        })
    }

    /// Makes the stamps ready for the next exchange.
    pub(super) fn arm(&self) -> Arc<Stamps> {
        self.stamps.arm();
        Arc::clone(&self.stamps)
    }

    /// Sends a request and waits for the answer's head.
    pub(super) async fn send(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, Failure> {
        self.sender
            .send_request(request)
            .await
            .map_err(|error| Failure::of_exchange(&error))
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.task.abort();
    }
}
