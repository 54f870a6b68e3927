//! What was observed, as `probe.observe/1`.

use serde_json::{Value, json};

use super::{Observation, accounts, document};
use crate::model::{Dependency, Histogram, Process, Service, Undeclared, listener::Listener};
use crate::report::patterns;

/// Far sides that are told of one dependency.
const MOST_REMOTES: usize = 64;

/// What was observed, as one JSON document.
pub fn json(seen: &Observation<'_>) -> String {
    let mut dependencies: Vec<_> = seen.model.dependencies().iter().collect();
    dependencies.sort_by(|a, b| {
        let key = |it: &Dependency| (it.service.clone(), it.name.clone(), it.pid, it.remote);
        key(a).cmp(&key(b))
    });
    let services = seen.model.services_in_scope();
    let services = services.map(|it| service(seen, it));
    let mut fields = json!({
        "from_ns": seen.from_ns,
        "window_ms": seen.window_ms,
        "lost_events": seen.accounts.events.lost,
        "events": accounts::events(seen.accounts),
        "flows": accounts::flows(seen.accounts),
        "forgotten": accounts::forgotten(seen.accounts),
        "dependencies": dependencies.into_iter().map(|it| dependency(seen, it)).collect::<Vec<_>>(),
        "services": services.chain(seen.silent().map(silent)).collect::<Vec<_>>(),
        "patterns": patterns::json(&seen.patterns.sheets, seen.from_ns),
        "cascades": patterns::cascades(seen.patterns, seen.from_ns),
        "pattern_record": patterns::missing(seen.patterns),
    });
    if let Some(found) = seen.undeclared {
        fields["undeclared_dependencies"] = undeclared(found);
    }
    document("probe.observe/1", &fields)
}

/// What the scenario doesn't declare, the same in every document.
pub fn undeclared(found: &[Undeclared]) -> Value {
    let one = |it: &Undeclared| {
        json!({
            "name": it.name,
            "remote": it.remote,
            "transport": it.transport,
            "protocol": it.protocol,
            "service": {"pid": it.pid, "comm": it.service},
            "calls": it.calls,
        })
    };
    found.iter().map(one).collect()
}

fn dependency(seen: &Observation<'_>, it: &Dependency) -> Value {
    let total = it.party.total();
    let nobody = Process::default();
    let caller = seen.model.process(it.pid).unwrap_or(&nobody);
    let remotes = it.remotes().into_iter().take(MOST_REMOTES);
    json!({
        "service": process(it.pid, &it.service, caller),
        "name": it.name,
        "named_by": it.named.word(),
        "remote": it.remote.to_string(),
        "remotes": remotes.map(|it| it.to_string()).collect::<Vec<_>>(),
        "transport": it.transport(),
        "protocol": it.party.protocol(),
        "calls": total.calls,
        "ok": total.ok,
        "errors": total.errors,
        "abandoned": total.abandoned,
        "connect_failures": total.connect_failures,
        "in_flight": it.party.in_flight,
        "in_flight_max": it.party.in_flight_max,
        "latency_us": latency(&total.latency),
        "connect_us": latency(&it.party.connects),
        "rtt_us": latency(&it.party.rtts),
        "retransmits": it.party.traffic.retransmits,
        "resets": it.party.resets,
        "bytes_out": it.party.traffic.bytes_out,
        "bytes_in": it.party.traffic.bytes_in,
    })
}

fn service(seen: &Observation<'_>, it: &Service) -> Value {
    let total = it.party.total();
    let listener = seen.listener(it.netns_cookie, it.port);
    let listen = listener.map_or_else(
        || format!("0.0.0.0:{}", it.port),
        |it| it.address.to_string(),
    );
    json!({
        "service": process(it.pid, &it.process.command, &it.process),
        "listen": listen,
        "transport": it.transport(),
        "protocol": it.party.protocol(),
        "calls": total.calls,
        "ok": total.ok,
        "errors": total.errors,
        "abandoned": total.abandoned,
        "shed": it.party.shed,
        "in_flight": it.party.in_flight,
        "in_flight_max": it.party.in_flight_max,
        "latency_us": latency(&total.latency),
        "bytes_out": it.party.traffic.bytes_out,
        "bytes_in": it.party.traffic.bytes_in,
    })
}

/// One that nobody called: the same fields, so that it can be read the same way.
fn silent(it: &Listener) -> Value {
    json!({
        "service": process(it.pid, &it.process.command, &it.process),
        "listen": it.address.to_string(),
        "transport": "tcp",
        "protocol": "unknown",
        "calls": 0,
        "ok": 0,
        "errors": 0,
        "abandoned": 0,
        "shed": 0,
        "in_flight": 0,
        "in_flight_max": 0,
        "latency_us": latency(&Histogram::default()),
        "bytes_out": 0,
        "bytes_in": 0,
    })
}

fn process(pid: u32, command: &str, it: &Process) -> Value {
    let container = it.container();
    json!({
        "pid": pid,
        "comm": command,
        "cgroup": it.cgroup,
        "container": container.map(|it| it.id),
        "runtime": container.and_then(|it| it.runtime),
    })
}

fn latency(histogram: &Histogram) -> Value {
    json!({
        "count": histogram.count(),
        "p50": histogram.quantile_us(0.5).unwrap_or(0),
        "p90": histogram.quantile_us(0.9).unwrap_or(0),
        "p99": histogram.quantile_us(0.99).unwrap_or(0),
        "max": histogram.max_us(),
    })
}
