//! The pages: which dependencies each one asks, and what is made of the answers. The dependencies
//! of a page are asked at the same time, so that the slowest one decides how long it takes.

use std::time::Instant;

use bytes::Bytes;
use http_body_util::Full;
use hyper::http::HeaderValue;
use hyper::{Method, Request, StatusCode};
use serde_json::{Map, Value, json};
use tokio::join;

use super::call_error::CallError;
use super::dependency::Dependency;
use super::fallback::Fallback;
use crate::server::{Reply, json as json_reply};
use crate::topology::Role;

/// Names the dependencies that a page had to do without.
pub(crate) const DEGRADED: &str = "x-degraded";

/// The shop's pages and whom they ask.
pub(crate) struct Pages {
    /// Asked by the checkout.
    pub(crate) payments: Dependency,
    /// Asked by every page.
    pub(crate) inventory: Dependency,
    /// Asked by the product page.
    pub(crate) recommendations: Dependency,
    /// What is said in a dependency's place, if the shop has the pattern.
    pub(crate) fallback: Option<Fallback>,
}

impl Pages {
    /// The product page: stock and suggestions.
    pub(crate) async fn product(&self, item: u32) -> Reply {
        let since = Instant::now();
        let suggest = || get(format!("/suggestions?item={item}"));
        let (stock, suggestions) = join!(
            self.inventory.call(|| stock_of(item), since),
            self.recommendations.call(suggest, since),
        );
        let mut page = Page::new("item", item.into());
        self.put(&mut page, Role::Inventory, item, stock);
        self.put(&mut page, Role::Recommendations, item, suggestions);
        page.reply()
    }

    /// The checkout: stock and payment.
    pub(crate) async fn checkout(&self, order: u64, item: u32) -> Reply {
        let since = Instant::now();
        let (stock, payment) = join!(
            self.inventory.call(|| stock_of(item), since),
            self.payments.call(|| charge(order), since),
        );
        let mut page = Page::new("order", order.into());
        self.put(&mut page, Role::Inventory, item, stock);
        self.put(&mut page, Role::Payments, item, payment);
        page.reply()
    }

    /// Every dependency.
    pub(crate) fn dependencies(&self) -> [&Dependency; 3] {
        [&self.payments, &self.inventory, &self.recommendations]
    }

    fn put(
        &self,
        page: &mut Page,
        role: Role,
        item: u32,
        answer: Result<Map<String, Value>, CallError>,
    ) {
        match (answer, &self.fallback) {
            (Ok(answer), fallback) => {
                if let Some(fallback) = fallback {
                    fallback.learn(role, item, &answer);
                }
                page.fields.extend(answer);
            }
            (Err(_), Some(fallback)) => {
                page.fields.extend(fallback.substitute(role, item));
                page.degraded.push(role.name());
            }
            (Err(error), None) => page.failed = page.failed.or(Some((role, error))),
        }
    }
}

/// A page in the making.
struct Page {
    fields: Map<String, Value>,
    degraded: Vec<&'static str>,
    failed: Option<(Role, CallError)>,
}

impl Page {
    fn new(key: &str, value: Value) -> Self {
        let fields = Map::from_iter([(key.to_owned(), value)]);
        Self {
            fields,
            degraded: Vec::new(),
            failed: None,
        }
    }

    fn reply(self) -> Reply {
        if let Some((role, error)) = self.failed {
            let body = json!({"error": format!("{} failed", role.name())});
            return json_reply(error.status(), body.to_string());
        }
        let mut reply = json_reply(StatusCode::OK, Value::Object(self.fields).to_string());
        if let Ok(names) = HeaderValue::from_str(&self.degraded.join(","))
            && !self.degraded.is_empty()
        {
            reply.headers_mut().insert(DEGRADED, names);
        }
        reply
    }
}

fn stock_of(item: u32) -> Request<Full<Bytes>> {
    get(format!("/stock?item={item}"))
}

fn get(path_and_query: String) -> Request<Full<Bytes>> {
    request(Method::GET, &path_and_query, String::new())
}

/// The same order has the same key however often it is tried, so that it is charged once.
fn charge(order: u64) -> Request<Full<Bytes>> {
    let path = format!("/orders/{order}/charge");
    let mut request = request(Method::POST, &path, json!({"order": order}).to_string());
    request
        .headers_mut()
        .insert("idempotency-key", order.into());
    request
}

fn request(method: Method, path_and_query: &str, body: String) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::new(Bytes::from(body)));
    *request.method_mut() = method;
    // Made of constants and numbers here, so it parses.
    *request.uri_mut() = path_and_query.parse().unwrap_or_default();
    request
}
