//! Serves what is observed over HTTP for as long as the observation runs: `/metrics` for
//! Prometheus, and a page that says so.
//!
//! Pages are written by who observes, on being asked: nothing is shared, and no figure is torn.

use std::{
    convert::Infallible,
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use anyhow::{Result, anyhow};
use bytes::Bytes;
use http_body_util::Full;
use hyper::{Method, Request, Response, StatusCode, body::Incoming, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::TcpListener,
    sync::{Semaphore, mpsc, oneshot},
};

/// Connections served at once; others wait.
const MOST: usize = 16;

/// A connection that sends no request for so long is closed.
const PATIENCE: Duration = Duration::from_secs(10);

/// Text format 0.0.4.
const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

const PAGE: &str = "<!DOCTYPE html>\n<title>probe</title>\n<p>probe is observing calls between \
                    services. <a href=\"/metrics\">/metrics</a> has its figures.\n";

/// Somebody who waits for a page of metrics.
pub type Asked = oneshot::Sender<String>;

/// Reads an address to serve on: `HOST:PORT`, or a port, which is then the loopback's.
///
/// # Errors
/// Where it is none, in words.
pub fn parse_address(text: &str) -> Result<SocketAddr> {
    let port = text.strip_prefix(':').unwrap_or(text);
    if let Ok(port) = port.parse::<u16>() {
        return Ok((Ipv4Addr::LOCALHOST, port).into());
    }
    let text = match text.strip_prefix("localhost:") {
        Some(port) => format!("127.0.0.1:{port}"),
        None => text.to_owned(),
    };
    text.parse().map_err(|_| {
        anyhow!(
            "\"{text}\" is no address to serve on\nhint: write IP:PORT, as 127.0.0.1:9464 or \
             [::1]:9464, or :9464 for this host alone"
        )
    })
}

/// Where metrics are served.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    /// The address that it got.
    pub address: SocketAddr,
}

impl Server {
    /// Takes the address.
    ///
    /// # Errors
    /// Where somebody else has it, or it isn't this host's.
    pub async fn bind(address: SocketAddr) -> Result<Self> {
        let refused = |error| anyhow!("metrics: {}", refusal(address, &error));
        let listener = TcpListener::bind(address).await.map_err(refused)?;
        Ok(Self {
            address: listener.local_addr()?,
            listener,
        })
    }

    /// Whether others than this host may come.
    pub fn is_open(&self) -> bool {
        !self.address.ip().is_loopback()
    }

    /// Serves until it is dropped; asks for each page of metrics.
    pub async fn run(self, pages: mpsc::Sender<Asked>) -> Infallible {
        let room = Arc::new(Semaphore::new(MOST));
        loop {
            let permit = Arc::clone(&room).acquire_owned().await;
            let stream = match self.listener.accept().await {
                Ok((stream, _)) => stream,
                Err(error) => {
                    log::warn!("metrics: {error}");
                    // Out of descriptors, mostly: it gets no better by asking at once.
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            };
            let pages = pages.clone();
            tokio::spawn(async move {
                let service = service_fn(|request| answer(request, pages.clone()));
                let serving = hyper::server::conn::http1::Builder::new()
                    .timer(TokioTimer::new())
                    .header_read_timeout(PATIENCE)
                    .serve_connection(TokioIo::new(stream), service);
                if let Err(error) = serving.await {
                    log::debug!("metrics: {error}");
                }
                drop(permit);
            });
        }
    }
}

async fn answer(
    request: Request<Incoming>,
    pages: mpsc::Sender<Asked>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    if request.method() != Method::GET && request.method() != Method::HEAD {
        let mut refused = told(StatusCode::METHOD_NOT_ALLOWED, "only GET\n");
        let allowed = hyper::header::HeaderValue::from_static("GET, HEAD");
        refused.headers_mut().insert(hyper::header::ALLOW, allowed);
        return Ok(refused);
    }
    Ok(match request.uri().path() {
        "/metrics" => match ask(&pages).await {
            Some(page) => page_of(StatusCode::OK, CONTENT_TYPE, page),
            None => told(StatusCode::SERVICE_UNAVAILABLE, "the observation is over\n"),
        },
        "/" => page_of(StatusCode::OK, "text/html; charset=utf-8", PAGE.to_owned()),
        _ => told(
            StatusCode::NOT_FOUND,
            "there is /metrics, and nothing else\n",
        ),
    })
}

async fn ask(pages: &mpsc::Sender<Asked>) -> Option<String> {
    let (asked, page) = oneshot::channel();
    pages.send(asked).await.ok()?;
    page.await.ok()
}

fn told(status: StatusCode, words: &str) -> Response<Full<Bytes>> {
    page_of(status, "text/plain; charset=utf-8", words.to_owned())
}

fn page_of(status: StatusCode, content_type: &'static str, text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    let value = hyper::header::HeaderValue::from_static(content_type);
    let headers = response.headers_mut();
    headers.insert(hyper::header::CONTENT_TYPE, value);
    response
}

fn refusal(address: SocketAddr, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => format!(
            "{address} is in use\nhint: choose another port, or :0 for a free one; \
             `ss -ltnp` tells whose it is"
        ),
        io::ErrorKind::AddrNotAvailable => format!(
            "{address} is no address of this host\nhint: 127.0.0.1:{} is for this host alone, {} for whoever can reach it",
            address.port(),
            anyone(address)
        ),
        io::ErrorKind::PermissionDenied => format!(
            "{address}: not permitted\nhint: ports below 1024 are for root; choose a higher one"
        ),
        _ => format!("{address}: {error}"),
    }
}

fn anyone(address: SocketAddr) -> SocketAddr {
    (IpAddr::from(Ipv4Addr::UNSPECIFIED), address.port()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read() {
        for (text, address) in [
            ("127.0.0.1:9464", "127.0.0.1:9464"),
            ("localhost:9464", "127.0.0.1:9464"),
            (":9464", "127.0.0.1:9464"),
            ("9464", "127.0.0.1:9464"),
            ("0.0.0.0:0", "0.0.0.0:0"),
            ("[::1]:9464", "[::1]:9464"),
        ] {
            assert_eq!(parse_address(text).unwrap().to_string(), address, "{text}");
        }
        for text in [
            "",
            ":",
            "::1",
            "host",
            "10.0.0.1",
            "1.2.3.4:99999",
            "example.org:80",
        ] {
            let error = parse_address(text).unwrap_err().to_string();
            assert!(error.contains("\nhint: write IP:PORT"), "{text}: {error}");
        }
    }

    #[tokio::test]
    async fn an_address_in_use_is_said_so() {
        let local = parse_address(":0").unwrap();
        let taken = Server::bind(local).await.unwrap();
        assert!(!taken.is_open());
        let error = Server::bind(taken.address).await.unwrap_err().to_string();
        assert!(
            error.contains("is in use\nhint: choose another port"),
            "{error}"
        );
        let foreign = "192.0.2.1:0".parse().unwrap();
        let error = Server::bind(foreign).await.unwrap_err().to_string();
        assert!(error.contains("is no address of this host"), "{error}");
    }
}
