//! What was observed, as `probe.observe/1` and as a table for people.

use serde_json::{Value, json};

use crate::{
    model::{Call, Dependency, Histogram, Model, PartyIndex, Service},
    quantity::words,
};

/// What was observed in a window, as `probe.observe/1`.
pub fn json(model: &Model, window_ms: u64, lost_events: u64) -> String {
    let document = json!({
        "schema": "probe.observe/1",
        "window_ms": window_ms,
        "lost_events": lost_events,
        "dependencies": sorted(model).into_iter().map(|it| dependency(model, it)).collect::<Vec<_>>(),
        "services": model.services().iter().map(service).collect::<Vec<_>>(),
        "patterns": [],
    });
    document.to_string()
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
    json!({
        "schema": "probe.call/1",
        "at_ns": call.ended_ns.saturating_sub(call.waited_ns),
        "service": service,
        "dependency": dependency,
        "connection": format!("{:x}", call.cookie),
        "outcome": call.outcome.name(),
        "status": call.status,
        "latency_us": call.waited_ns / 1_000,
        "request_fingerprint": format!("{:016x}", call.fingerprint),
        "faulted": model.fault_name(call).is_some(),
        "fault": model.fault_name(call),
    })
    .to_string()
}

/// The same for people: a table of dependencies, and one of services.
pub fn text(model: &Model, window_ms: u64, lost_events: u64) -> String {
    let seconds = (window_ms as f64 / 1_000.0).max(0.001);
    let mut rows = vec![row([
        "service",
        "dependency",
        "rate",
        "p50",
        "p99",
        "errors",
        "gave up",
        "in flight",
    ])];
    for it in sorted(model) {
        let total = it.party.history.total();
        rows.push(row([
            &it.service,
            &it.name,
            &format!("{:.1}/s", total.calls as f64 / seconds),
            &quantile(&total.latency, 0.5),
            &quantile(&total.latency, 0.99),
            &total.errors.to_string(),
            &total.abandoned.to_string(),
            &format!("{} (max {})", it.party.in_flight, it.party.in_flight_max),
        ]));
    }
    let mut served = vec![row([
        "service", "listens", "rate", "p50", "p99", "errors", "gave up", "",
    ])];
    for it in model.services() {
        let total = it.party.history.total();
        served.push(row([
            &it.process.command,
            &format!(":{}", it.port),
            &format!("{:.1}/s", total.calls as f64 / seconds),
            &quantile(&total.latency, 0.5),
            &quantile(&total.latency, 0.99),
            &total.errors.to_string(),
            &total.abandoned.to_string(),
            "",
        ]));
    }
    let mut text = String::new();
    match (rows.len(), served.len()) {
        (1, 1) => text.push_str("no call was seen\n"),
        _ => {
            text.push_str(&table(&rows));
            text.push('\n');
            text.push_str(&table(&served));
        }
    }
    if lost_events > 0 {
        text.push_str(&format!(
            "\n{lost_events} events were lost: latencies are complete, outcomes are not\n"
        ));
    }
    text
}

fn sorted(model: &Model) -> Vec<&Dependency> {
    let mut dependencies: Vec<_> = model.dependencies().iter().collect();
    dependencies.sort_by(|a, b| (&a.service, &a.name, a.pid).cmp(&(&b.service, &b.name, b.pid)));
    dependencies
}

fn dependency(model: &Model, it: &Dependency) -> Value {
    let total = it.party.history.total();
    let cgroup = model.process(it.pid).map(|process| process.cgroup.clone());
    json!({
        "service": {"pid": it.pid, "comm": it.service, "cgroup": cgroup.unwrap_or_default()},
        "name": it.name,
        "remote": it.remote.to_string(),
        "transport": "tcp",
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
        "resets": it.party.resets,
    })
}

fn service(it: &Service) -> Value {
    let total = it.party.history.total();
    json!({
        "service": {"pid": it.pid, "comm": it.process.command, "cgroup": it.process.cgroup},
        "listen": format!("0.0.0.0:{}", it.port),
        "protocol": it.party.protocol(),
        "calls": total.calls,
        "ok": total.ok,
        "errors": total.errors,
        "abandoned": total.abandoned,
        "latency_us": latency(&total.latency),
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

fn quantile(histogram: &Histogram, q: f64) -> String {
    histogram
        .quantile_us(q)
        .map_or_else(|| "–".into(), words::microseconds)
}

fn row<const N: usize>(cells: [&str; N]) -> Vec<String> {
    cells
        .iter()
        .map(|&cell| {
            if cell.is_empty() {
                " ".into()
            } else {
                cell.to_owned()
            }
        })
        .collect()
}

/// Rows as aligned columns: the first two to the left, figures to the right.
fn table(rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        rows.iter()
            .map(|row| row[column].chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<_> = (0..rows[0].len()).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let cells = row
            .iter()
            .zip(&widths)
            .enumerate()
            .map(|(column, (cell, width))| {
                if column < 2 {
                    format!("{cell:<width$}")
                } else {
                    format!("{cell:>width$}")
                }
            });
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_window_is_told_in_both_forms() {
        let model = Model::default();
        let value: Value = serde_json::from_str(&json(&model, 10_000, 3)).unwrap();
        assert_eq!(value["schema"], "probe.observe/1");
        assert_eq!(value["lost_events"], 3);
        assert_eq!(text(&model, 10_000, 0), "no call was seen\n");
        assert!(text(&model, 10_000, 3).contains("3 events were lost"));
    }

    #[test]
    fn columns_stand_under_each_other() {
        let rows = [row(["a", "bb", "1"]), row(["aaa", "b", "100"])];
        assert_eq!(table(&rows), "a    bb    1\naaa  b   100\n");
    }
}
