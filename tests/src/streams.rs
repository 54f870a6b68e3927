//! Both ends of HTTP/2 connections, with a clock of the caller's own for each stream.

use std::{
    convert::Infallible,
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Full, combinators::BoxBody};
use hyper::{
    HeaderMap, Request, Response, body::Incoming, client::conn::http2 as client,
    header::HeaderValue, server::conn::http2 as server, service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

type Body = BoxBody<Bytes, Infallible>;

/// A server that does what its paths say: `/wait/MS` answers 200 after so many milliseconds,
/// `/status/N` at once with that status, `/grpc/N` as a gRPC call that ends with that status.
/// It goes with the runtime.
///
/// # Errors
/// Where it can't listen.
pub async fn serve() -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let _ = stream.set_nodelay(true);
            let serving = server::Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(stream), service_fn(answer));
            tokio::spawn(serving);
        }
    });
    Ok(address)
}

async fn answer(request: Request<Incoming>) -> Result<Response<Body>> {
    let path = request.uri().path();
    let mut words = path.trim_start_matches('/').split('/');
    let what = words.next().unwrap_or_default();
    let number: u16 = words.next().context("no number")?.parse()?;
    let body = Full::new(Bytes::from_static(b"done"));
    Ok(match what {
        "wait" => {
            tokio::time::sleep(Duration::from_millis(number.into())).await;
            Response::new(body.boxed())
        }
        "grpc" => {
            let mut trailers = HeaderMap::new();
            trailers.insert("grpc-status", HeaderValue::from(number));
            let body = body.with_trailers(async move { Some(Ok(trailers)) });
            Response::builder()
                .header("content-type", "application/grpc")
                .body(body.boxed())?
        }
        _ => Response::builder().status(number).body(body.boxed())?,
    })
}

/// A caller with one connection.
#[derive(Clone)]
pub struct Caller {
    sender: client::SendRequest<Empty<Bytes>>,
}

impl Caller {
    /// Connects.
    ///
    /// # Errors
    /// Where nobody answers.
    pub async fn new(to: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(to).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) =
            client::handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self { sender })
    }

    /// Asks for a path; how long its answer took to begin.
    ///
    /// # Errors
    /// Where none came, or it broke off.
    pub async fn ask(&self, path: &str) -> Result<Duration> {
        let uri = format!("http://streams.test{path}");
        let kind = if path.starts_with("/grpc") {
            "application/grpc"
        } else {
            "text/plain"
        };
        let request = Request::post(uri)
            .header("content-type", kind)
            .body(Empty::new())?;
        let mut sender = self.sender.clone();
        sender.ready().await?;
        let asked = Instant::now();
        let response = sender.send_request(request).await?;
        let took = asked.elapsed();
        response.into_body().collect().await?;
        Ok(took)
    }

    /// Asks for several paths at once; how long each took.
    ///
    /// # Errors
    /// Where one failed.
    pub async fn ask_at_once(&self, paths: Vec<String>) -> Result<Vec<Duration>> {
        let mut asked = JoinSet::new();
        for path in paths {
            let caller = self.clone();
            asked.spawn(async move { caller.ask(&path).await });
        }
        asked.join_all().await.into_iter().collect()
    }
}
