//! What a scenario would touch right now: looked up, and nothing of it touched.

use anyhow::Context;

use crate::{
    kernel::{
        blast,
        netns::{Netns, NetnsRef},
        process,
        resolve::{Resolved, resolve},
    },
    plan::{Endpoint, NearSide, Protocol},
    report::blast::Reached,
    scenario::{Scenario, Service},
};

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Ground {
    /// The process that listens on the service's port, and its command name.
    pub listener: Option<(u32, String)>,
    /// How each dependency is reached, in the scenario's order.
    pub dependencies: Vec<Reach>,
    /// What is missing, a line each.
    pub problems: Vec<String>,
}

/// How one dependency is reached.
#[derive(Clone, Debug, Default)]
pub struct Reach {
    /// Its addresses.
    pub endpoints: Vec<Endpoint>,
    /// The interfaces on the way to them.
    pub interfaces: Vec<String>,
    /// The connections to it now; `None` where that can't be told.
    pub reached: Option<Reached>,
}

/// Looks for everything that a scenario names.
pub fn survey(scenario: &Scenario) -> Ground {
    let mut ground = Ground::default();
    let netns = match netns_of(&scenario.service) {
        Ok(netns) => Some(netns),
        Err(error) => {
            ground.problems.push(in_one_line(&error));
            None
        }
    };
    if let Some(netns) = &netns {
        ground.look_for_service(&scenario.service, netns);
    }
    for dependency in &scenario.dependencies {
        let found = netns
            .as_ref()
            .map(|netns| resolve(netns, &dependency.to, &[]));
        let reach = match found {
            Some(Ok(Resolved {
                endpoints,
                interfaces,
            })) => Reach {
                reached: netns.as_ref().and_then(|netns| {
                    blast::radius(netns, &NearSide::Everybody, &endpoints, Protocol::Any).ok()
                }),
                endpoints,
                interfaces,
            },
            Some(Err(error)) => {
                let problem = format!(
                    "dependency \"{}\": {}",
                    dependency.name,
                    in_one_line(&error)
                );
                ground.problems.push(problem);
                Reach::default()
            }
            None => Reach {
                endpoints: dependency
                    .to
                    .iter()
                    .flat_map(|spec| spec.resolved(&[]))
                    .collect(),
                ..Reach::default()
            },
        };
        ground.dependencies.push(reach);
    }
    ground
}

/// The network namespace that a service is said to be in.
///
/// # Errors
/// Where there is none such.
pub fn netns_of(service: &Service) -> anyhow::Result<Netns> {
    let netns = match &service.netns {
        Some(text) => NetnsRef::parse(text).context("service")?,
        None => NetnsRef::Own,
    };
    Netns::open(&netns)
}

impl Ground {
    fn look_for_service(&mut self, service: &Service, netns: &Netns) {
        let Some(port) = service.listen else {
            return;
        };
        match process::listeners(netns.inode).get(&port) {
            Some(&pid) => {
                let name = process::command_name(pid).unwrap_or_default();
                self.listener = Some((pid, name));
            }
            None => self.problems.push(format!(
                "service \"{}\": nothing listens on port {port} in its network namespace{}",
                service.name,
                // Other users' sockets aren't shown to everybody.
                match nix::unistd::geteuid().is_root() {
                    true => "",
                    false => ", as far as this user can see",
                }
            )),
        }
    }
}

/// An error's chain and its hints on one line.
fn in_one_line(error: &anyhow::Error) -> String {
    let mut words = Vec::new();
    let mut hints = Vec::new();
    for cause in error.chain().map(ToString::to_string) {
        for line in cause.lines() {
            match line.strip_prefix("hint: ") {
                Some(hint) => hints.push(hint.to_owned()),
                None => words.push(line.to_owned()),
            }
        }
    }
    let words = words.join(": ");
    match hints.is_empty() {
        true => words,
        false => format!("{words} ({})", hints.join("; ")),
    }
}
