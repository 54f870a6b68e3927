//! `probe status`: which faults are active, since when, until when, by whom.

use std::{fmt::Write, process::ExitCode, time::Duration};

use anyhow::Result;
use probe_common::rule::FaultRule;
use serde::Serialize;

use super::{Common, Output, say};
use crate::{
    fault::{is_on_processes, told},
    kernel::{
        clock,
        host::{self, Armed, ArmedRule},
        netns, support,
    },
    plan::{decode, near},
    quantity::words,
    verdict::FaultCounters,
};

/// Tell which faults are active on this host, since when, until when, by whom
#[derive(Debug, clap::Args)]
#[command(after_help = "\
States:
  active   packets are faulted
  waiting  its time is yet to come
  expired  its time is over
  killed   ended by `probe stop`
  lapsed   its process doesn't answer any more, so packets are left alone

Examples:
  sudo probe status
  sudo probe status -o json | jq '.faults[].state'")]
pub struct StatusArgs {}

#[derive(Serialize)]
struct Document {
    schema: &'static str,
    active: usize,
    faults: Vec<Fault>,
}

#[derive(Serialize)]
struct Fault {
    owner: Owner,
    netns: Option<String>,
    netns_inode: u64,
    state: &'static str,
    fault: String,
    direction: &'static str,
    endpoints: Vec<String>,
    since_ms_ago: u64,
    left_ms: u64,
    counters: FaultCounters,
    near: Option<String>,
}

#[derive(Serialize)]
struct Owner {
    pid: u32,
    comm: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// Where this process may not look.
pub fn run(_args: StatusArgs, common: &Common) -> Result<ExitCode> {
    support::require_privileges("status")?;
    let now_ns = clock::now_ns();
    let faults: Vec<_> = host::armed()?
        .iter()
        .flat_map(|armed| faults_of(armed, now_ns))
        .collect();
    let document = Document {
        schema: "probe.status/1",
        active: faults
            .iter()
            .filter(|fault| fault.state == "active")
            .count(),
        faults,
    };
    say(&match common.output {
        Output::Text => text(&document.faults),
        Output::Json => serde_json::to_string(&document)? + "\n",
    })?;
    Ok(ExitCode::SUCCESS)
}

fn faults_of(armed: &Armed, now_ns: u64) -> Vec<Fault> {
    let netns = netns::name_of(armed.header.netns_inode);
    let describe = |armed_rule: &ArmedRule| {
        let ArmedRule {
            rule,
            counters,
            endpoints,
        } = armed_rule;
        Fault {
            owner: Owner {
                pid: armed.header.owner_pid,
                comm: armed.command.clone(),
            },
            netns: netns.clone(),
            netns_inode: armed.header.netns_inode,
            state: state(armed, rule, now_ns),
            fault: told(rule),
            direction: match is_on_processes(rule) {
                true => "none",
                false => decode::direction(rule).name(),
            },
            endpoints: endpoints.iter().map(ToString::to_string).collect(),
            since_ms_ago: now_ns.saturating_sub(rule.starts_ns) / 1_000_000,
            left_ms: rule.deadline_ns.saturating_sub(now_ns) / 1_000_000,
            counters: FaultCounters::of_rule(counters, 0),
            near: near::told(&armed.header).filter(|_| rule.near != 0),
        }
    };
    armed
        .rules
        .iter()
        // One of a game day whose time isn't set yet.
        .filter(|armed_rule| armed_rule.rule.deadline_ns > 0)
        .map(describe)
        .collect()
}

/// What the kernel programs would do with a packet now, asked in their order.
fn state(armed: &Armed, rule: &FaultRule, now_ns: u64) -> &'static str {
    if armed.killed {
        "killed"
    } else if now_ns >= armed.lease_until_ns {
        "lapsed"
    } else if now_ns < rule.starts_ns {
        "waiting"
    } else if now_ns >= rule.deadline_ns {
        "expired"
    } else {
        "active"
    }
}

fn text(faults: &[Fault]) -> String {
    if faults.is_empty() {
        return "nothing is active\n".to_owned();
    }
    let mut text = String::new();
    for fault in faults {
        let time = |ms| words::duration(Duration::from_millis(ms), 0);
        let place = fault.netns.clone();
        let place = place.unwrap_or_else(|| format!("of inode {}", fault.netns_inode));
        let far = match fault.direction {
            "none" => String::new(),
            direction => format!(" on {} ({direction})", fault.endpoints.join(", ")),
        };
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "{:<8} {}{far}{} in netns {place}: since {}, {} left, {} seen, {} touched, by \
             {} {}",
            fault.state,
            fault.fault,
            fault
                .near
                .as_ref()
                .map(|near| format!(" of {near}"))
                .unwrap_or_default(),
            time(fault.since_ms_ago),
            time(fault.left_ms),
            fault.counters.seen,
            fault.counters.touched(),
            fault.owner.comm.as_deref().unwrap_or("process"),
            fault.owner.pid,
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use probe_common::rule::{PlanHeader, fault};

    use super::*;
    use crate::report::schema::tests::complaints;

    fn armed() -> Armed {
        Armed {
            header: PlanHeader {
                owner_pid: 7,
                netns_inode: 1,
                ..PlanHeader::default()
            },
            command: Some("probe".into()),
            killed: false,
            lease_until_ns: 5_000_000,
            rules: vec![ArmedRule {
                rule: FaultRule {
                    kind: fault::BLACKHOLE,
                    flow_share: u32::MAX,
                    direction: 1,
                    starts_ns: 1_000_000,
                    deadline_ns: 4_000_000,
                    ..FaultRule::default()
                },
                counters: Default::default(),
                endpoints: Vec::new(),
            }],
        }
    }

    #[test]
    fn states_come_in_the_kernels_order() {
        let mut armed = armed();
        let state_at = |armed: &Armed, ms: u64| state(armed, &armed.rules[0].rule, ms * 1_000_000);
        assert_eq!(state_at(&armed, 0), "waiting");
        assert_eq!(state_at(&armed, 1), "active");
        assert_eq!(state_at(&armed, 4), "expired");
        assert_eq!(state_at(&armed, 5), "lapsed");
        armed.killed = true;
        assert_eq!(state_at(&armed, 1), "killed");
    }

    #[test]
    fn json_tells_who_where_and_until_when() {
        let fault = &faults_of(&armed(), 3_000_000)[0];
        let json = serde_json::to_string(fault).unwrap();
        let head = concat!(
            r#"{"owner":{"pid":7,"comm":"probe"},"netns":null,"netns_inode":1,"state":"active","#,
            r#""fault":"blackhole","direction":"egress","endpoints":[],"since_ms_ago":2,"left_ms":1,"counters":{"#
        );
        assert!(json.starts_with(head), "{json}");
        let document = serde_json::to_value(Document {
            schema: "probe.status/1",
            active: 1,
            faults: faults_of(&armed(), 3_000_000),
        });
        assert_eq!(complaints("status", &document.unwrap()), [""; 0]);
    }
}
