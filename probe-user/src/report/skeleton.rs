//! A scenario to begin with, written from what was observed: the service, what it depends on, how
//! it looks when it is well, and one gentle fault. `probe check` accepts it as it is.

use std::{collections::HashSet, net::SocketAddr, time::Duration};

use super::observed::{
    Observation,
    groups::{self, Group, Row},
    text::{quantile, rate},
    visible,
};
use crate::{
    endpoint::EndpointSpec, model::names::Source, quantity::words, scenario::written::quoted,
};

/// Addresses that one dependency is given.
const MOST_ADDRESSES: usize = 64;

/// A scenario, and of whom it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skeleton {
    /// The file's text.
    pub text: String,
    /// The service it is for.
    pub service: String,
    /// How many other services were in sight.
    pub others: usize,
}

/// Writes one for the service that depends on most others; `None` where no service was seen.
/// `namespaces` tells how each network namespace, by its cookie, is named to probe; one without a
/// name is probe's own.
pub fn skeleton(seen: &Observation<'_>, namespaces: &[(u64, Option<String>)]) -> Option<Skeleton> {
    let mut groups = groups::of(seen);
    groups.retain(|group| !group.command.trim().is_empty());
    // A stable sort: of as many dependencies, the one with most calls stays first.
    groups.sort_by_key(|group| {
        let serves = group.serves.is_empty();
        (std::cmp::Reverse(dependencies(group).len()), serves)
    });
    let group = groups.first()?;
    let netns = namespaces
        .iter()
        .find(|(cookie, _)| *cookie == group.netns_cookie)
        .and_then(|(_, name)| name.clone());
    Some(Skeleton {
        text: write(group, netns, seen.window_ms),
        service: visible(&match group.who().as_str() {
            "" => group.command.clone(),
            who => format!("{} ({who})", group.command),
        }),
        others: groups.len() - 1,
    })
}

/// A dependency as it is declared.
struct Declared<'a> {
    name: String,
    to: Vec<String>,
    row: &'a Row,
}

/// What is declared of a group: no endpoint twice, no name twice, and not itself.
fn dependencies(group: &Group) -> Vec<Declared<'_>> {
    let mut names = HashSet::new();
    let mut endpoints = HashSet::new();
    let mut declared = Vec::new();
    for row in &group.calls {
        let is_itself = |at: &SocketAddr| {
            let mut own = group.serves.iter();
            own.any(|it| it.at.contains(at) || (at.ip().is_loopback() && it.port == at.port()))
        };
        let others: Vec<_> = row.at.iter().filter(|at| !is_itself(at)).collect();
        let by_name = format!("{}:{}", row.plain, row.port);
        let to = match row.named {
            Source::Dns if !others.is_empty() && is_host(&by_name) => vec![by_name],
            _ => others
                .iter()
                .take(MOST_ADDRESSES)
                .map(ToString::to_string)
                .collect(),
        };
        let to: Vec<_> = to
            .into_iter()
            .filter(|it| endpoints.insert(it.clone()))
            .collect();
        if to.is_empty() {
            continue;
        }
        let mut name = row.name.trim().to_owned();
        while !names.insert(name.clone()) {
            name += "'";
        }
        declared.push(Declared { name, to, row });
    }
    declared
}

fn is_host(text: &str) -> bool {
    text.parse::<EndpointSpec>()
        .is_ok_and(|spec| spec.name().is_some())
}

fn write(group: &Group, netns: Option<String>, window_ms: u64) -> String {
    let declared = dependencies(group);
    let served = group.serves.first();
    let mut text = format!(
        "# Written by `probe observe --save`, from what was seen in {}. It is valid as it is:\n\
         # `probe check` shows what it would touch, `probe run` plays it. Make it yours.\n\
         name = {}\n\
         # What do you believe? One sentence that the verdict is about.\n\
         hypothesis = {}\n\
         time_box = \"5m\"\n\n",
        words::duration(Duration::from_millis(window_ms), 1),
        quoted(&format!("{} and what it depends on", group.command)),
        quoted(&match declared.first() {
            Some(it) => format!("{} stays well while {} is slow", group.command, it.name),
            None => format!("{} stays well", group.command),
        }),
    );
    text += &service(group, served, netns);
    for it in &declared {
        text += &dependency(it, window_ms);
    }
    text += &steady_state(served, window_ms);
    text += &step(declared.first());
    text + &EXPECTED.replace("PERCENT", &percent(served).to_string())
}

fn service(group: &Group, served: Option<&Row>, netns: Option<String>) -> String {
    let mut text = format!("[service]\nname = {}\n", quoted(&group.command));
    if let Some(row) = served {
        text += &format!("listen = {}\n", row.port);
    }
    text += &format!("process = {}\n", quoted(&group.command));
    if let Some(netns) = netns {
        let note = match netns.starts_with("pid:") {
            true => "    # of this process, for as long as it lives: better a name or a path",
            false => "",
        };
        text += &format!("netns = {}{note}\n", quoted(&netns));
    }
    text + "\n"
}

fn dependency(it: &Declared<'_>, window_ms: u64) -> String {
    let addresses: Vec<_> = it.to.iter().map(|to| quoted(to)).collect();
    let seen = format!(
        "{}, {}, p99 {}",
        it.row.protocol,
        rate(it.row.rate(window_ms)),
        quantile(&it.row.latency, 0.99)
    );
    format!(
        "[[dependency]]                 # {}\nname = {}\nto = [{}]\n\
         tier = \"essential\"             # or \"important\", or \"optional\": how bad is it without?\n\n",
        visible(&seen),
        quoted(&it.name),
        addresses.join(", "),
    )
}

/// Bounds that held with room to spare while it was watched.
fn steady_state(served: Option<&Row>, window_ms: u64) -> String {
    let mut text = String::new();
    let seen = served.filter(|row| row.calls > 0);
    match seen {
        Some(row) => {
            text += &format!(
                "# Seen: {}, {} of {} calls failed or were given up, p99 {}.\n",
                rate(row.rate(window_ms)),
                row.errors + row.abandoned,
                row.calls,
                quantile(&row.latency, 0.99)
            );
        }
        None => {
            text += "# No call to it was seen; without any, the steady state is never reached.\n";
        }
    }
    text += "[steady_state]                 # has to hold before, and again after\nfor = \"10s\"\n";
    text += &format!("success_rate = \">= {}%\"\n", percent(served));
    if let Some(us) = seen.and_then(|row| row.latency.quantile_us(0.99)) {
        text += &format!("p99 = \"<= {}\"\n", words::typed_duration(twice(us)));
    }
    text + "\n"
}

/// A share of calls that ended well, less than was seen.
fn percent(served: Option<&Row>) -> u64 {
    let share = served.filter(|row| row.calls > 0).map_or(1.0, |row| {
        (row.calls - row.errors - row.abandoned) as f64 / row.calls as f64
    });
    (share * 100.0 - 1.0).floor().clamp(1.0, 99.0) as u64
}

/// Twice as long, rounded up to a figure that people would write.
fn twice(us: u64) -> Duration {
    let least = (2 * us).max(1_000);
    let mut unit = 1_000;
    while unit * 100 <= least {
        unit *= 10;
    }
    Duration::from_micros(least.div_ceil(unit) * unit)
}

fn step(first: Option<&Declared<'_>>) -> String {
    match first {
        Some(it) => format!(
            "[[step]]                       # a gentle one to begin with; probe inject --help has more\n\
             at = \"0s\"\nfor = \"20s\"\non = {}\nfault = \"delay\"\ndelay = \"100ms\"\n\n",
            quoted(&it.name)
        ),
        None => "# No dependency was seen. Declare one under [[dependency]], and put a fault on it here.\n\
                 [[step]]\nat = \"0s\"\nrun = [\"true\"]\n\n"
            .to_owned(),
    }
}

const EXPECTED: &str = "\
[expect]                       # while the fault holds
success_rate = \">= PERCENT%\"
# p99 = \"<= 1s\"
recovery = \"<= 10s\"            # from the end of the fault to the steady state
undeclared_dependencies = 0    # fails where it calls what isn't declared above

[abort]                        # ends the fault at once
success_rate = \"< 50% for 5s\"
";

#[cfg(test)]
mod tests;
