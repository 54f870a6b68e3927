//! What is told of an injection while it holds, on stderr.

use serde::Serialize;

use super::{
    super::style::{Color, Paint},
    super::tell,
    somebody_watches,
};
use crate::{
    engine::injection::{Prepared, Progress},
    kernel::{netns::NetnsRef, processes::Members},
    quantity::words::{self, typed_duration},
    report::{blast::Reached, injection::list},
};

/// What is or would be armed, in one line.
pub(super) fn summary(prepared: &Prepared) -> String {
    let request = prepared.request();
    let netns = match &request.netns {
        NetnsRef::Own => String::new(),
        netns => format!(" in netns {netns}"),
    };
    let near = match prepared.near.is_somebody() {
        true => format!(" of {}", prepared.near),
        false => String::new(),
    };
    if request.fault.is_on_processes() {
        return format!(
            "{}{}{near}{netns}, for {}",
            request.fault,
            request.modifiers,
            typed_duration(request.duration),
        );
    }
    let via = match request.fault.is_at_connect() {
        true => "connect()".to_owned(),
        false => prepared.target.interfaces.join(", "),
    };
    format!(
        "{}{} on {} ({}){near}{netns} via {via}, for {}, seed {}, delay backend {}",
        request.fault,
        request.modifiers,
        list(&prepared.target.endpoints),
        request.direction.name(),
        typed_duration(request.duration),
        request.seed,
        prepared.delay_backend(),
    )
}

/// What is at stake, a line each: what would be touched now, and the session it is armed from.
pub(super) fn stakes(prepared: &Prepared) -> String {
    let mut text = String::new();
    if let Some(members) = &prepared.processes {
        text += &processes(members);
    }
    if let Some(reached) = &prepared.reached {
        text += &format!("would touch: {}\n", reached.words());
    }
    if let Some(session) = &prepared.session {
        text += &format!("warning: {session}\n");
    }
    text
}

/// The processes that would be acted on, and those that would not, a line each.
fn processes(members: &Members) -> String {
    const SHOWN: usize = 5;
    let chosen: Vec<_> = members.chosen.iter().map(ToString::to_string).collect();
    let more = match chosen.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let shown = chosen[..chosen.len().min(SHOWN)].join(", ");
    let mut text = format!("would touch: {} processes: {shown}{more}\n", chosen.len());
    for (member, why) in &members.spared {
        text += &format!("left alone: {member} {why}\n");
    }
    text
}

/// What would not be touched, in one line.
pub(super) fn spared(prepared: &Prepared) -> String {
    format!(
        "never faulted: {}\n",
        prepared.never_faulted.lines().join("; ")
    )
}

#[derive(Serialize)]
struct DryRun<'a> {
    schema: &'static str,
    dry_run: bool,
    fault: FaultWords,
    seed: u64,
    duration_ms: u128,
    delay_backend: &'static str,
    endpoints: Vec<String>,
    direction: &'static str,
    netns: String,
    interfaces: &'a [String],
    near: Option<String>,
    would_touch: Option<&'a Reached>,
    #[serde(skip_serializing_if = "Option::is_none")]
    processes: Option<Vec<String>>,
    never_faulted: Vec<String>,
    warning: Option<&'a str>,
}

#[derive(Serialize)]
struct FaultWords {
    kind: &'static str,
    args: String,
    modifiers: String,
}

/// The same for programs.
pub(super) fn dry_run_json(prepared: &Prepared) -> String {
    let request = prepared.request();
    let document = DryRun {
        schema: "probe.inject-plan/1",
        dry_run: true,
        fault: FaultWords {
            kind: request.fault.kind(),
            args: request.fault.arguments(),
            modifiers: request.modifiers.arguments(),
        },
        seed: request.seed,
        duration_ms: request.duration.as_millis(),
        delay_backend: prepared.delay_backend(),
        endpoints: prepared
            .target
            .endpoints
            .iter()
            .map(ToString::to_string)
            .collect(),
        direction: request.fault.direction_name(request.direction),
        netns: request.netns.to_string(),
        interfaces: &prepared.target.interfaces,
        near: prepared
            .near
            .is_somebody()
            .then(|| prepared.near.to_string()),
        would_touch: prepared.reached.as_ref(),
        processes: prepared
            .processes
            .as_ref()
            .map(|it| it.chosen.iter().map(ToString::to_string).collect()),
        never_faulted: prepared.never_faulted.lines(),
        warning: prepared.session.as_deref(),
    };
    // Nothing in it can fail to serialize.
    serde_json::to_string(&document).unwrap_or_default()
}

/// Tells progress: single lines where it goes to a file, one that changes where somebody watches.
pub(super) struct Teller {
    summary: String,
    color: bool,
    watched: bool,
    line_is_open: bool,
}

impl Teller {
    pub(super) fn new(summary: String, color: Color) -> Self {
        Self {
            summary,
            color: color.on_stderr(),
            watched: somebody_watches(),
            line_is_open: false,
        }
    }

    pub(super) fn tell(&mut self, progress: Progress) {
        match progress {
            Progress::Cleared(count) => tell(&format!(
                "cleared: what {count} probe(s) that were killed had left behind\n"
            )),
            Progress::Armed => tell(&format!(
                "{} {}\n",
                Paint::Warning.text("armed:", self.color),
                self.summary
            )),
            Progress::Holding { left, counters } if self.watched => {
                self.line_is_open = true;
                tell(&format!(
                    "\r\x1b[K{} left · {} seen · {} touched",
                    words::duration(left, 0),
                    counters.seen,
                    counters.touched()
                ));
            }
            Progress::Holding { .. } => {}
        }
    }

    /// Takes the changing line away.
    pub(super) fn end(&mut self) {
        if self.line_is_open {
            tell("\r\x1b[K");
        }
    }
}
