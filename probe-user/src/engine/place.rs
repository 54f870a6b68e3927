//! Where a scenario takes place: its network namespace, and what its dependencies' names mean
//! there.

use anyhow::Result;

use super::{hosts, names::Names as FarNames};
use crate::{
    kernel::{
        near,
        netns::{Netns, NetnsRef},
        resolve::{Resolved, resolve},
    },
    model::{Names, Scope},
    plan::NearSide,
    scenario::{Scenario, Step},
};

/// A scenario's names, resolved.
pub struct Place {
    /// The network namespace of its service.
    pub netns: Netns,
    /// Its dependencies, in its order.
    pub dependencies: Vec<Resolved>,
    /// Those of their far sides that are names.
    pub called: Vec<FarNames>,
}

impl Place {
    /// Looks everything up.
    ///
    /// # Errors
    /// Where the namespace isn't there, a name has no address or an endpoint no route.
    pub fn of(scenario: &Scenario) -> Result<Self> {
        let name = scenario
            .service
            .netns
            .as_deref()
            .map_or(Ok(NetnsRef::Own), NetnsRef::parse)?;
        let netns = Netns::open(&name)?;
        let dependencies = scenario
            .dependencies
            .iter()
            .map(|dependency| resolve(&netns, &dependency.to, &[]))
            .collect::<Result<Vec<_>>>()?;
        let resolved: &[Resolved] = &dependencies;
        let called = scenario.dependencies.iter().zip(resolved);
        Ok(Self {
            called: called
                .map(|(it, resolved)| FarNames::among(&it.to, &netns, resolved.endpoints.len()))
                .collect(),
            netns,
            dependencies,
        })
    }

    /// What dependencies' addresses are called.
    pub fn names(&self, scenario: &Scenario) -> Names {
        let named = scenario.dependencies.iter().zip(&self.dependencies);
        Names::new(
            named
                .flat_map(|(dependency, resolved)| {
                    resolved
                        .endpoints
                        .iter()
                        .map(|it| (*it, dependency.name.clone()))
                })
                .collect(),
        )
        .with_called(
            scenario
                .dependencies
                .iter()
                .zip(&self.called)
                .flat_map(|(dependency, called)| called.called(&dependency.name))
                .collect(),
        )
        .with_hosts(hosts::of(Some(&self.netns.name)))
    }

    /// What is looked at: the service and who it calls.
    ///
    /// # Errors
    /// Where the kernel can't tell namespaces apart.
    pub fn scope(&self, scenario: &Scenario) -> Result<Scope> {
        Ok(Scope {
            netns_cookie: Some(self.netns.cookie()?),
            process: scenario.service.process.clone(),
            listen: scenario.service.listen,
            cgroup: scenario.service.cgroup.clone(),
            ..Scope::default()
        })
    }

    /// Whose traffic those faults are for that are for the service's alone.
    ///
    /// # Errors
    /// Where the service isn't there.
    pub fn near(&self, scenario: &Scenario) -> Result<NearSide> {
        let mut faults = scenario.steps.iter().filter_map(Step::fault);
        if !faults.any(|fault| fault.is_near) {
            return Ok(NearSide::Everybody);
        }
        let wanted = near::Wanted {
            process: scenario.service.process.clone(),
            cgroup: scenario.service.cgroup.clone(),
        };
        near::resolve(&wanted, &self.netns)
    }

    /// Interfaces on the routes to the dependencies that faults are on.
    pub fn interfaces(&self, faulted: impl Iterator<Item = usize>) -> Vec<String> {
        let mut names: Vec<_> = faulted
            .flat_map(|index| self.dependencies[index].interfaces.clone())
            .collect();
        names.sort();
        names.dedup();
        names
    }
}
