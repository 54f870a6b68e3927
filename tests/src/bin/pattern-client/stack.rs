//! tower's layers around hyper's pooled client: who may call, how often a call is made again, how
//! long an attempt may take.

use anyhow::Result;
use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use tower::{
    BoxError, Layer, ServiceBuilder,
    limit::ConcurrencyLimitLayer,
    load_shed::LoadShedLayer,
    retry::{
        Policy, RetryLayer,
        backoff::{Backoff, ExponentialBackoff, ExponentialBackoffMaker, MakeBackoff},
    },
    service_fn,
    timeout::TimeoutLayer,
    util::{BoxCloneSyncService, option_layer},
};

use crate::{
    chance::Chance,
    config::{Config, Retry},
};

/// Takes a path, gives the status of an answer that is none of failure.
pub type Calls = BoxCloneSyncService<String, u16, BoxError>;

/// Puts together what the configuration asks for.
pub fn build(config: &Config, server: &str, chance: &Chance) -> Result<Calls> {
    let server = server.to_owned();
    let client = Client::builder(TokioExecutor::new()).build(HttpConnector::new());
    let once = service_fn(move |path| once(client.clone(), format!("{server}{path}")));
    let policy = config.retry.map(|it| Again::new(it, chance));
    let inner = ServiceBuilder::new()
        .layer(option_layer(policy.transpose()?.map(RetryLayer::new)))
        .layer(option_layer(config.timeout.map(TimeoutLayer::new)))
        .service(once);
    let limited = option_layer(config.limit.map(ConcurrencyLimitLayer::new)).layer(inner);
    let shedding = option_layer(config.sheds.then(LoadShedLayer::new)).layer(limited);
    Ok(BoxCloneSyncService::new(shedding))
}

async fn once(client: Client<HttpConnector, Empty<Bytes>>, uri: String) -> Result<u16, BoxError> {
    let response = client.get(uri.parse()?).await?;
    let status = response.status();
    response.into_body().collect().await?;
    match status.is_server_error() {
        true => Err(format!("{status}").into()),
        false => Ok(status.as_u16()),
    }
}

/// Makes a call again whatever it failed with, by tower's own backoff.
#[derive(Clone)]
struct Again {
    left: usize,
    backoff: ExponentialBackoff<Chance>,
}

impl Again {
    fn new(retry: Retry, chance: &Chance) -> Result<Self> {
        let maker =
            ExponentialBackoffMaker::new(retry.min, retry.max, retry.jitter, chance.clone());
        Ok(Self {
            left: retry.attempts - 1,
            backoff: maker.map_err(|it| anyhow::anyhow!("{it}"))?.make_backoff(),
        })
    }
}

impl Policy<String, u16, BoxError> for Again {
    type Future = tokio::time::Sleep;

    fn retry(
        &mut self,
        _: &mut String,
        result: &mut Result<u16, BoxError>,
    ) -> Option<Self::Future> {
        if result.is_ok() {
            return None;
        }
        self.left = self.left.checked_sub(1)?;
        Some(self.backoff.next_backoff())
    }

    fn clone_request(&mut self, path: &String) -> Option<String> {
        Some(path.clone())
    }
}
