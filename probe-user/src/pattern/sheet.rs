//! The policy sheet of one service and one of its dependencies: what was found, with names in the
//! place of numbers.

use serde::{Deserialize, Serialize};

use super::cascade::Change;
use super::feed::{Feed, Missing};
use super::finding::Findings;
use crate::model::{Dependency, Model};

/// See the file's head.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sheet {
    /// Process id of the caller.
    pub pid: u32,
    /// Its command name.
    pub service: String,
    /// What the dependency is called.
    pub dependency: String,
    /// Its address and port.
    pub remote: String,
    /// What was found.
    pub findings: Findings,
    /// Names of the dependencies that a bulkhead kept as they were.
    pub isolates: Vec<String>,
    /// Address and port of the dependency that took over.
    pub alternate: Option<String>,
    /// When that was said, on CLOCK_MONOTONIC.
    pub judged_ns: u64,
    /// When faults of probe's were on it: pairs of times on CLOCK_MONOTONIC.
    pub faults: Vec<(u64, u64)>,
}

impl Sheet {
    /// "shop → payments".
    pub fn name(&self) -> String {
        format!("{} → {}", self.service, self.dependency)
    }
}

/// Something that was not as before while a fault was on something else.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cascade {
    /// The service that changed: its process id and name.
    pub pid: u32,
    /// See `pid`.
    pub service: String,
    /// Its calls to this dependency changed; none: its own answers did.
    pub dependency: Option<String>,
    /// Where the fault was.
    pub on: String,
    /// The figures.
    pub change: Change,
}

/// All that is told of resilience patterns.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Showing {
    /// One for each service and dependency.
    pub sheets: Vec<Sheet>,
    /// What faults reached beyond where they were.
    pub cascades: Vec<Cascade>,
    /// What is missing from the record that this is told by.
    pub missing: Missing,
}

impl Showing {
    /// What shows by now, of the services and dependencies that the model still knows.
    pub fn of(feed: &Feed, model: &Model) -> Self {
        Self {
            sheets: sheets(feed, model),
            cascades: cascades(feed, model),
            missing: feed.missing(),
        }
    }
}

/// A sheet for each service and dependency, by their names.
pub fn sheets(feed: &Feed, model: &Model) -> Vec<Sheet> {
    let sheet = |(found, judged_ns): (&Findings, u64)| {
        let to = find(model, found.dependency)?;
        let isolates = found.bulkhead.isolates.iter();
        let alternate = found.fallback.alternate.and_then(|it| find(model, it));
        Some(Sheet {
            pid: found.service,
            service: to.service.clone(),
            dependency: to.name.clone(),
            remote: to.remote.to_string(),
            isolates: isolates
                .filter_map(|it| Some(find(model, *it)?.name.clone()))
                .collect(),
            alternate: alternate.map(|it| it.remote.to_string()),
            judged_ns,
            faults: feed.faults_on(found.dependency),
            findings: found.clone(),
        })
    };
    let mut sheets: Vec<Sheet> = feed.findings().filter_map(sheet).collect();
    let key = |it: &Sheet| (it.service.clone(), it.dependency.clone(), it.pid);
    sheets.sort_by_cached_key(key);
    sheets
}

fn cascades(feed: &Feed, model: &Model) -> Vec<Cascade> {
    let name = |pid: u32| {
        let services = model.services().iter().find(|it| it.pid == pid);
        let process = services.map(|it| &it.process).or(model.process(pid));
        process.map_or_else(String::new, |it| it.command.clone())
    };
    let named = |change: Change| {
        let dependency = match change.dependency {
            Some(number) => Some(find(model, number)?.name.clone()),
            None => None,
        };
        Some(Cascade {
            pid: change.service,
            service: name(change.service),
            dependency,
            on: find(model, change.fault.dependency)?.name.clone(),
            change,
        })
    };
    feed.changes().into_iter().filter_map(named).collect()
}

/// The dependency that has a number, or took in the one that had.
pub fn find(model: &Model, number: u32) -> Option<&Dependency> {
    let is = |it: &&Dependency| it.number == number || it.was.contains(&number);
    model.dependencies().iter().find(is)
}
