//! What was observed: for programs as `probe.observe/1` and `probe.call/1`, for people as tables.

use serde_json::{Value, json};

use super::accounts;
use crate::model::{Accounts, Call, Model, PartyIndex, Undeclared, listener::Listener};
use crate::pattern::Showing;

mod columns;
pub mod groups;
mod json;
pub(super) mod text;

pub use json::{json, undeclared};
pub use text::text;

/// All there is to tell of an observation.
#[derive(Clone, Copy, Debug)]
pub struct Observation<'a> {
    /// What was seen.
    pub model: &'a Model,
    /// How long was looked.
    pub window_ms: u64,
    /// What it can be held to.
    pub accounts: &'a Accounts,
    /// Who listens on this host.
    pub listeners: &'a [Listener],
    /// Whether those that nobody called are told, too: not where a narrower target was asked for.
    pub with_silent: bool,
    /// What the scenario doesn't declare; `None` where none was given.
    pub undeclared: Option<&'a [Undeclared]>,
    /// Which resilience patterns showed.
    pub patterns: &'a Showing,
    /// When it began, on CLOCK_MONOTONIC.
    pub from_ns: u64,
}

impl<'a> Observation<'a> {
    /// Where a service is bound, as far as that was found.
    fn listener(&self, netns_cookie: u64, port: u16) -> Option<&'a Listener> {
        self.listeners
            .iter()
            .find(|it| it.netns_cookie == netns_cookie && it.address.port() == port)
    }

    /// Listeners that nobody called.
    fn silent(&self) -> impl Iterator<Item = &'a Listener> {
        let called = self.model.services();
        let is_called = |it: &Listener| {
            called.iter().any(|service| {
                service.netns_cookie == it.netns_cookie && service.port == it.address.port()
            })
        };
        self.listeners
            .iter()
            .filter(move |it| self.with_silent && self.model.covers(it) && !is_called(it))
    }
}

/// One call that ended, as a line of `probe.call/1`. An inbound call has no dependency.
pub fn call(call: &Call, model: &Model) -> String {
    let (service, dependency) = match call.party {
        Some(PartyIndex::Dependency(index)) => {
            let it = &model.dependencies()[index];
            (it.service.as_str(), Some(it.name.as_str()))
        }
        Some(PartyIndex::Service(index)) => {
            (model.services()[index].process.command.as_str(), None)
        }
        None => ("", None),
    };
    let fields = json!({
        "at_ns": call.began_ns,
        "service": service,
        "dependency": dependency,
        "connection": format!("{:x}", call.cookie),
        "outcome": call.outcome.name(),
        "status": call.status,
        "latency_us": call.waited_ns / 1_000,
        "request_fingerprint": format!("{:016x}", call.fingerprint),
        "faulted": model.fault_name(call).is_some(),
        "fault": model.fault_name(call),
    });
    document("probe.call/1", &fields)
}

/// Fields as one document, which begins with what it is.
pub(super) fn document(schema: &str, fields: &Value) -> String {
    let fields = fields.to_string();
    let rest = fields.trim_start_matches('{');
    format!("{{\"schema\":\"{schema}\",{rest}")
}

/// Words of others as they may stand on a terminal: nothing in them moves the cursor.
pub fn visible(text: &str) -> String {
    let shown = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    text.chars().map(shown).collect()
}

#[cfg(test)]
pub(super) mod tests;
