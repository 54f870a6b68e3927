//! Who has calls made through tower's layers: workers of its own, or whoever asks the service.

use std::{convert::Infallible, net::Ipv4Addr, time::Duration};

use anyhow::Result;
use bytes::Bytes;
use http_body_util::Empty;
use hyper::{Response, StatusCode, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, runtime::Runtime, task::JoinSet, time::sleep};
use tower::ServiceExt;

use crate::{
    chance::Chance,
    config::Config,
    stack::{self, Calls},
};

/// Calls until it is ended.
pub fn run(config: Config, server: String) -> Result<()> {
    let chance = Chance::from_environment()?;
    Runtime::new()?.block_on(async {
        let calls = stack::build(&config, &server, &chance)?;
        match config.serves {
            Some(port) => serve(port, config.fallback, calls, chance).await,
            None => work(&config, calls, chance).await,
        }
    })
}

async fn work(config: &Config, calls: Calls, chance: Chance) -> Result<()> {
    println!("ready");
    let mut workers = JoinSet::new();
    for _ in 0..config.workers {
        workers.spawn(call_on(calls.clone(), chance.clone(), config.rest));
    }
    while let Some(ended) = workers.join_next().await {
        ended?;
    }
    Ok(())
}

async fn call_on(calls: Calls, chance: Chance, rest: Duration) {
    loop {
        // What comes of it is for probe to see.
        let _ = calls.clone().oneshot(chance.path()).await;
        sleep(rest).await;
    }
}

async fn serve(port: u16, fallback: bool, calls: Calls, chance: Chance) -> Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).await?;
    println!("ready");
    loop {
        let (stream, _) = listener.accept().await?;
        let (calls, chance) = (calls.clone(), chance.clone());
        let answer = service_fn(move |_| {
            let called = calls.clone().oneshot(chance.path());
            async move {
                let status = match called.await {
                    Err(_) if !fallback => StatusCode::BAD_GATEWAY,
                    _ => StatusCode::OK,
                };
                let mut response = Response::new(Empty::<Bytes>::new());
                *response.status_mut() = status;
                Ok::<_, Infallible>(response)
            }
        });
        let serving = http1::Builder::new().serve_connection(TokioIo::new(stream), answer);
        tokio::spawn(serving);
    }
}
