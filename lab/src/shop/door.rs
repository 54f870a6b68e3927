//! The shop's door: lets customers in or turns them away, finds the page they want, and answers.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use anyhow::{Context, Result};
use hyper::header::RETRY_AFTER;
use hyper::http::HeaderValue;
use hyper::{Method, Request, StatusCode};
use serde_json::{Map, Value, json};

use super::dependency::Dependency;
use super::load_shedding::LoadShedding;
use super::pages::Pages;
use super::pattern::Patterns;
use crate::client::Client;
use crate::server::{Reply, json as json_reply};
use crate::topology::Role;

/// Everything that the shop is.
pub(crate) struct Door {
    pages: Pages,
    shedding: LoadShedding,
    orders: AtomicU64,
}

impl Door {
    /// Opens a shop that has `patterns` and calls by these clients, one for each dependency.
    pub(crate) fn new(
        mut clients: Vec<(Role, Client)>,
        patterns: Patterns,
        seed: u64,
        verbose: bool,
    ) -> Result<Self> {
        let mut dependency = |role: Role| {
            let at = clients.iter().position(|(called, _)| *called == role);
            let (_, client) =
                clients.swap_remove(at.with_context(|| format!("no {}", role.name()))?);
            anyhow::Ok(Dependency::new(role, client, patterns, seed, verbose))
        };
        Ok(Self {
            pages: Pages {
                payments: dependency(Role::Payments)?,
                inventory: dependency(Role::Inventory)?,
                recommendations: dependency(Role::Recommendations)?,
                fallback: patterns.fallback.then(Default::default),
            },
            shedding: LoadShedding::new(patterns.load_shedding.then_some(LoadShedding::LIMIT)),
            orders: AtomicU64::new(1),
        })
    }

    /// Answers one request.
    pub(crate) async fn answer<B>(&self, request: &Request<B>) -> Reply {
        if request.method() != Method::GET {
            return json_reply(StatusCode::METHOD_NOT_ALLOWED, "{}");
        }
        let path = request.uri().path();
        if path == "/health" {
            // Not shed: it asks whether the shop is there, and costs nothing.
            return json_reply(StatusCode::OK, r#"{"health":"ok"}"#);
        }
        let Some(_admission) = self.shedding.try_admit() else {
            return turn_away();
        };
        let query = request.uri().query().unwrap_or_default();
        let item = number(query, "item")
            .and_then(|item| u32::try_from(item).ok())
            .unwrap_or(1);
        match path {
            "/" => self.pages.product(item).await,
            "/checkout" => {
                let order = number(query, "order");
                let order = order.unwrap_or_else(|| self.orders.fetch_add(1, Relaxed));
                self.pages.checkout(order, item).await
            }
            _ => json_reply(StatusCode::NOT_FOUND, "{}"),
        }
    }

    /// What the shop counted, by dependency and at the door.
    pub(crate) fn summary(&self) -> Value {
        let dependencies: Map<_, _> = self
            .pages
            .dependencies()
            .map(|dependency| (dependency.role.name().to_owned(), dependency.summary()))
            .into_iter()
            .collect();
        let (admitted, shed, in_flight_max) = self.shedding.counts();
        json!({
            "shop": {"admitted": admitted, "shed": shed, "in_flight_max": in_flight_max},
            "dependencies": dependencies,
        })
    }
}

fn turn_away() -> Reply {
    let mut reply = json_reply(
        StatusCode::SERVICE_UNAVAILABLE,
        r#"{"error":"too many customers"}"#,
    );
    reply
        .headers_mut()
        .insert(RETRY_AFTER, HeaderValue::from_static("1"));
    reply
}

fn number(query: &str, key: &str) -> Option<u64> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs
        .filter(|(name, _)| *name == key)
        .find_map(|(_, value)| value.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_out_of_queries() {
        assert_eq!(number("item=3&order=17", "order"), Some(17));
        assert_eq!(number("item=x&item=4", "item"), Some(4));
        assert_eq!(number("", "item"), None);
    }
}
