//! The faults of a game day: its fault steps as one plan in one network namespace, armed and
//! taken out one by one.

use anyhow::Result;
use probe_common::counters::RuleCounters;

use super::{
    names::Names,
    place::Place,
    protection::never_faulted,
    trail::{Ground, Safeguards, Trail},
};
use crate::{
    kernel::{
        clock,
        delay_line::{Backend, Choice},
        injector::Injector,
    },
    plan::{Plan, Rule},
    scenario::Scenario,
    verdict::FaultCounters,
};

/// An injector with the plan of a scenario.
pub struct Faults {
    injector: Injector,
    plan: Plan,
    /// Index of the rule of each step; `None` for commands.
    rules: Vec<Option<usize>>,
    /// By rule: its far sides that are names.
    called: Vec<Names>,
    /// By rule: packets that the delay line had no room for.
    overflow: Vec<u64>,
    /// Why faults end that don't end by themselves: what ends them, and in words.
    ending: Option<(&'static str, String)>,
    /// Given up last, so that what is written down is over.
    trail: Trail,
}

impl Faults {
    /// Attaches an injector for all fault steps of a scenario; nothing is injected yet. `seed`
    /// gives the seed of each step.
    ///
    /// # Errors
    /// Where an interface or the kernel refuses.
    pub fn prepare(
        scenario: &Scenario,
        place: Place,
        seed: impl Fn(usize) -> u64,
        mut safeguards: Safeguards,
    ) -> Result<Self> {
        let mut plan = Plan {
            near: place.near(scenario)?,
            ..Plan::default()
        };
        let mut rules = Vec::new();
        let mut called = Vec::new();
        for (index, step) in scenario.steps.iter().enumerate() {
            let Some(fault) = step.fault() else {
                rules.push(None);
                continue;
            };
            rules.push(Some(plan.rules.len()));
            let far = fault.dependency;
            called.push(far.map_or_else(Names::default, |far| place.called[far].clone()));
            plan.rules.push(Rule {
                name: fault.on.clone(),
                fault: fault.fault,
                modifiers: fault.modifiers,
                endpoints: far
                    .map_or_else(Vec::new, |far| place.dependencies[far].endpoints.clone()),
                protocol: fault.protocol,
                direction: fault.direction,
                starts_ns: 0,
                ends_ns: 0,
                seed: fault.seed.unwrap_or_else(|| seed(index)),
                near: fault.is_near,
            });
        }
        let faulted = scenario
            .steps
            .iter()
            .filter_map(|step| step.fault()?.dependency);
        let interfaces = place.interfaces(faulted);
        plan.has_names = called.iter().any(Names::are_any);
        let wishes = &mut safeguards.wishes;
        wishes.protect.extend(scenario.protect.iter().cloned());
        let list = never_faulted(&place.netns, wishes)?;
        let ground = Ground {
            netns: place.netns.name.to_string(),
            netns_inode: place.netns.inode,
            interfaces: interfaces.clone(),
            near: Some(plan.near.to_string()).filter(|_| plan.near.is_somebody()),
            scenario: Some(scenario.name.clone()),
            ..Ground::default()
        };
        let trail = Trail::begin(&safeguards, ground.never_faulting(&list))?;
        let mut injector = Injector::open(place.netns, &interfaces, &plan, &backends(&plan)?)?;
        injector.protect(&list)?;
        injector.apply(&plan)?;
        Ok(Self {
            overflow: vec![0; plan.rules.len()],
            injector,
            plan,
            rules,
            called,
            ending: None,
            trail,
        })
    }

    /// Arms the fault of a step until a time.
    ///
    /// # Errors
    /// Where the maps can't be written; then no fault holds.
    pub fn arm(&mut self, step: usize, ends_ns: u64) -> Result<()> {
        self.place(step, clock::now_ns(), ends_ns);
        if let Some(Some(rule)) = self.rules.get(step) {
            self.trail.armed(*rule, &self.plan.rules[*rule])?;
        }
        self.injector.apply(&self.plan)
    }

    /// Takes the fault of a step out. Packets that wait go on, unless others still make packets wait.
    ///
    /// # Errors
    /// Where the maps can't be written; then no fault holds.
    pub fn disarm(&mut self, step: usize) -> Result<()> {
        self.read_overflow();
        let now_ns = clock::now_ns();
        self.place(step, 0, 0);
        self.injector.apply(&self.plan)?;
        self.write_end(step);
        if !self
            .plan
            .rules
            .iter()
            .any(|rule| rule.fault.waits() && rule.ends_ns > now_ns)
        {
            self.injector.let_go();
        }
        Ok(())
    }

    /// Ends every fault, for good.
    pub fn end_all(&mut self) {
        for rule in &mut self.plan.rules {
            rule.ends_ns = 0;
        }
        self.injector.end_all();
        for step in 0..self.rules.len() {
            self.write_end(step);
        }
    }

    /// Takes note of why faults are about to end, for the audit log; the first reason stands.
    pub fn will_end(&mut self, by: &'static str, reason: &str) {
        self.ending.get_or_insert_with(|| (by, reason.to_owned()));
    }

    /// Why no fault holds any more, where that is not this game day's own doing.
    pub fn ended_by_others(&mut self) -> Option<String> {
        // Ended by this one, its own switch is thrown.
        if let Some((_, reason)) = &self.ending {
            return Some(reason.clone());
        }
        if let Some(late) = self.injector.lapsed() {
            self.will_end("guard", &late);
        } else if self.injector.killed().unwrap_or(true) {
            // A switch that can't be read is one that can't be trusted.
            self.will_end("operator", "somebody stopped every fault on this host");
        }
        self.ending.as_ref().map(|(_, reason)| reason.clone())
    }

    /// Counters of a step's fault; `None` for a command.
    pub fn counters(&self, step: usize) -> Option<FaultCounters> {
        let rule = (*self.rules.get(step)?)?;
        let all: Vec<RuleCounters> = self.injector.counters().ok()?;
        Some(FaultCounters::of_rule(all.get(rule)?, self.overflow[rule]))
    }

    /// Aims at what names have come to mean as well. To be called now and then.
    ///
    /// # Errors
    /// Where the maps can't be written; then no fault holds.
    pub fn follow_names(&mut self) -> Result<()> {
        let messages = self.injector.overheard();
        if self.ending.is_some() {
            return Ok(());
        }
        let mut news = false;
        for (rule, names) in self.plan.rules.iter_mut().zip(&self.called) {
            news |= names.learn(&messages, &mut rule.endpoints);
        }
        if news {
            self.injector.apply(&self.plan)
        } else {
            Ok(())
        }
    }

    /// Lays what the delay line had no room for since the last time to the fault that uses it
    /// now. To be called now and then, and before a fault is taken out.
    pub fn read_overflow(&mut self) {
        let Some(line) = self.injector.line() else {
            return;
        };
        let fresh = line.overflow.saturating_sub(self.overflow.iter().sum());
        let now_ns = clock::now_ns();
        let waits = |rule: &Rule| rule.fault.needs_line() && rule.ends_ns > now_ns;
        if let Some(rule) = self.plan.rules.iter().position(waits) {
            self.overflow[rule] += fresh;
        }
    }

    fn place(&mut self, step: usize, starts_ns: u64, ends_ns: u64) {
        if let Some(Some(rule)) = self.rules.get(step) {
            self.plan.rules[*rule].starts_ns = starts_ns;
            self.plan.rules[*rule].ends_ns = ends_ns;
        }
    }

    /// Writes down that the fault of a step has ended.
    fn write_end(&mut self, step: usize) {
        let Some(Some(rule)) = self.rules.get(step).copied() else {
            return;
        };
        if let Some(counters) = self.counters(step) {
            self.trail.count(rule, counters);
        }
        let (by, reason) = match &self.ending {
            Some((by, reason)) => (*by, reason.as_str()),
            None => ("deadline", "its time was over"),
        };
        self.trail.ended(rule, by, reason);
    }
}

/// The lines that a plan needs: where packets wait, and the one in user space for what only it
/// can do.
fn backends(plan: &Plan) -> Result<Vec<Backend>> {
    let mut backends = Vec::new();
    if plan.waits() {
        backends.push(Choice::of_environment()?.settle()?);
    }
    if plan.needs_userspace_line() && !backends.contains(&Backend::Userspace) {
        backends.push(Backend::Userspace);
    }
    Ok(backends)
}
