//! What the service calls that its scenario doesn't declare.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::{Dependency, Model, Process, Service, names::Source};

/// Something that the service calls and the scenario doesn't name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Undeclared {
    /// What it is called.
    pub name: String,
    /// Its address and port, as first seen.
    pub remote: String,
    /// Transport protocol.
    pub transport: Cow<'static, str>,
    /// Wire protocol.
    pub protocol: Cow<'static, str>,
    /// Command name of who calls it.
    pub service: String,
    /// Process id of who calls it; 0 where it isn't known.
    pub pid: u32,
    /// How many calls ended; none where nobody answered yet.
    pub calls: u64,
}

impl Undeclared {
    /// Its name, and its address where that is another.
    pub fn words(&self) -> String {
        match self.name == self.remote {
            true => self.name.clone(),
            false => format!("{} ({})", self.name, self.remote),
        }
    }
}

/// What the service under test calls that no dependency of the scenario covers, several processes
/// of it taken together. What it calls of itself on the loopback is no dependency; a resolver is.
pub fn undeclared(model: &Model) -> Vec<Undeclared> {
    let services: Vec<_> = model.services_in_scope().collect();
    let mut found: Vec<Undeclared> = Vec::new();
    for it in model.dependencies() {
        let is_its = it.named != Source::Scenario
            && model.may_be_called_by_the_service(it, &services)
            && !is_itself(it, &services);
        if !is_its {
            continue;
        }
        let same = |other: &&mut Undeclared| {
            other.name == it.name
                && other.transport == it.transport()
                && other.remote.rsplit(':').next() == it.remote.to_string().rsplit(':').next()
        };
        match found.iter_mut().find(same) {
            Some(known) => known.calls += it.party.total().calls,
            None => found.push(Undeclared {
                name: it.name.clone(),
                remote: it.remote.to_string(),
                transport: it.transport().into(),
                protocol: it.party.protocol().into(),
                service: it.service.clone(),
                pid: it.pid,
                calls: it.party.total().calls,
            }),
        }
    }
    found.sort_by(|a, b| (&a.name, &a.remote).cmp(&(&b.name, &b.remote)));
    found
}

impl Model {
    /// Whether a caller is the service, as far as can be told: by the scenario's own words, else
    /// by who was found to serve its port. Where nobody was, whoever calls may be it.
    fn may_be_called_by_the_service(&self, it: &Dependency, services: &[&Service]) -> bool {
        let nobody = Process::default();
        let caller = self.process(it.pid).unwrap_or(&nobody);
        if let Some(answer) = self.scope.names_the_caller(it.pid, &it.service, caller) {
            return answer;
        }
        let mut owners = services.iter().filter(|owner| owner.pid != 0).peekable();
        if self.scope.listen.is_none() || owners.peek().is_none() {
            return true;
        }
        owners.any(|owner| {
            // Workers of one service are processes of one name in one place.
            let alike = owner.process.command == it.service
                && owner.process.cgroup == caller.cgroup
                && owner.netns_cookie == it.netns_cookie();
            owner.pid == it.pid || alike
        })
    }
}

/// Whether a service calls itself.
fn is_itself(it: &Dependency, services: &[&Service]) -> bool {
    let serves = |service: &&Service| {
        service.port == it.remote.port() && service.netns_cookie == it.netns_cookie()
    };
    let here = |service: &&Service| {
        it.remote.ip().is_loopback() || service.addresses.contains(&it.remote.ip())
    };
    services.iter().any(|it| serves(it) && here(it))
}

#[cfg(test)]
mod tests;
