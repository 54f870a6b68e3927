//! The course of a game day in the JSON of its verdict.

use serde_json::{Value, json};

use crate::verdict::course::{Course, Moment, SpanMs, Track};

/// Figures a step of time, and when faults held.
pub fn json(course: &Course) -> Value {
    let fault = |it: &crate::verdict::course::FaultSpan| {
        json!({
            "step": it.step,
            "on": it.on,
            "label": it.label,
            "from_ms": it.span.0,
            "to_ms": it.span.1,
        })
    };
    json!({
        "length_ms": course.length_ms,
        "step_ms": course.step_ms,
        "before": span(course.before),
        "during": span(course.during),
        "after": span(course.after),
        "faults": course.faults.iter().map(fault).collect::<Vec<_>>(),
        "service": track(&course.service),
        "dependencies": course.dependencies.iter().map(track).collect::<Vec<_>>(),
    })
}

fn span(span: Option<SpanMs>) -> Value {
    span.map_or(
        Value::Null,
        |(from, to)| json!({"from_ms": from, "to_ms": to}),
    )
}

fn track(track: &Track) -> Value {
    json!({
        "name": track.name,
        "moments": track.moments.iter().map(moment).collect::<Vec<_>>(),
    })
}

fn moment(it: &Moment) -> Value {
    json!({
        "at_ms": it.at_ms,
        "ok": it.ok,
        "failed": it.failed,
        "abandoned": it.abandoned,
        "p50_us": it.p50_us,
        "p99_us": it.p99_us,
        "in_flight": it.in_flight,
    })
}
