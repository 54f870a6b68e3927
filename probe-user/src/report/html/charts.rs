//! Charts of a game day's course: latency, attempts, calls in flight.

use super::frame::{Frame, Line, Scale};
use crate::pattern::{Sheet, Verdict};
use crate::quantity::words;
use crate::verdict::course::{Course, Moment, Track};

/// Dependencies that have charts of their own, at most.
pub(super) const MOST: usize = 4;

const HEIGHT: f64 = 210.0;

/// What callers waited, over time.
pub(super) fn latency(course: &Course, track: &Track, whose: &str) -> String {
    let is_service = track.name == course.service.name;
    let faults = match is_service {
        true => course.faults.iter().map(|it| it.span).collect(),
        false => course.faults_on(&track.name),
    };
    let us = |read: fn(&Moment) -> Option<u64>| {
        points(track, move |it| read(it).map(|us| us.max(1) as f64))
    };
    let lines = [
        Line {
            class: "one",
            points: us(|it| it.p50_us),
        },
        Line {
            class: "two",
            points: us(|it| it.p99_us),
        },
    ];
    let frame = Frame {
        id: id("latency", course, track),
        title: format!("Latency of {}", track.name),
        told: format!(
            "How long {whose}: p50 solid, p99 dashed, {} steps of time; the longest p99 was {}. \
             Shaded: faults.",
            words::duration(std::time::Duration::from_millis(course.step_ms), 0),
            largest(track.moments.iter().filter_map(|it| it.p99_us))
                .map_or_else(|| "never told".to_owned(), words::microseconds)
        ),
        course,
        faults,
        height: HEIGHT,
    };
    let label = |us: f64| words::microseconds(us as u64);
    frame.figure(&frame.lines(&lines, Scale::Log, label))
}

/// Attempts against the calls that the service usually makes for what it is asked.
pub(super) fn attempts(course: &Course, track: &Track) -> String {
    let second = course.step_ms.max(1) as f64 / 1_000.0;
    let mut lines = vec![Line {
        class: "one",
        points: points(track, |it| Some(it.calls() as f64 / second)),
    }];
    let usual = course.usual_calls(track);
    if let Some(usual) = usual {
        lines.push(Line {
            class: "two",
            points: points(&course.service, |it| {
                Some(it.calls() as f64 * usual / second)
            }),
        });
    }
    let told = match usual {
        Some(usual) => format!(
            "Ended a second: attempts solid; dashed, what the service's own calls take as long as \
             nothing fails, {usual:.2} for each. Attempts above it are retries, below it calls that \
             were not made."
        ),
        None => "Attempts that ended a second. How many calls the service usually makes can't be \
                 told."
            .to_owned(),
    };
    let frame = Frame {
        id: id("attempts", course, track),
        title: format!("Attempts at {} against logical calls", track.name),
        told,
        course,
        faults: course.faults_on(&track.name),
        height: HEIGHT,
    };
    frame.figure(&frame.lines(&lines, Scale::Linear, number))
}

/// Calls in flight, and the bulkhead's limit where one was observed.
pub(super) fn in_flight(course: &Course, track: &Track, sheets: &[Sheet]) -> String {
    let waiting = points(track, |it| it.in_flight.map(f64::from));
    if waiting.iter().all(|it| it.1.is_none()) {
        return format!(
            "<p>How many calls to {} were in flight is unknown.</p>\n",
            crate::report::escape::xml(&track.name)
        );
    }
    let mut lines = vec![Line {
        class: "one",
        points: waiting,
    }];
    let limit = limit(track, sheets);
    if let Some(limit) = limit {
        lines.push(Line {
            class: "limit",
            points: points(track, |_| Some(f64::from(limit))),
        });
    }
    let told = match limit {
        Some(limit) => format!("Solid: calls that waited. Dash-dotted: the bulkhead, {limit}."),
        None => "Calls that waited at once. No bulkhead was observed.".to_owned(),
    };
    let frame = Frame {
        id: id("flight", course, track),
        title: format!("In flight to {}", track.name),
        told: format!("{told} The most seen in each step of time; shaded: faults."),
        course,
        faults: course.faults_on(&track.name),
        height: HEIGHT,
    };
    frame.figure(&frame.lines(&lines, Scale::Linear, number))
}

fn limit(track: &Track, sheets: &[Sheet]) -> Option<u32> {
    let of_it = sheets.iter().filter(|it| it.dependency == track.name);
    let bulkheads = of_it.map(|it| &it.findings.bulkhead);
    let observed = bulkheads.filter(|it| it.ground.verdict == Verdict::Observed);
    observed.filter_map(|it| it.limit).max()
}

/// The middles of a track's steps, and a figure of each.
fn points(track: &Track, read: impl Fn(&Moment) -> Option<f64>) -> Vec<(u64, Option<f64>)> {
    let step = match &track.moments[..] {
        [first, second, ..] => second.at_ms - first.at_ms,
        _ => 0,
    };
    let moments = track.moments.iter();
    moments.map(|it| (it.at_ms + step / 2, read(it))).collect()
}

/// A chart's name in the page: by place, as names of dependencies may hold anything.
pub(super) fn id(kind: &str, course: &Course, track: &Track) -> String {
    let place = course.dependencies.iter().position(|it| it == track);
    format!("{kind}-{}", place.map_or(0, |it| it + 1))
}

fn largest(values: impl Iterator<Item = u64>) -> Option<u64> {
    values.max()
}

fn number(value: f64) -> String {
    match value.fract() == 0.0 {
        true => format!("{value:.0}"),
        false => format!("{value:.1}"),
    }
}
