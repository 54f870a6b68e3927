//! What a plan says, into the maps: the list of what no fault touches, rules, targets, tables.

use anyhow::{Context, Result};
use aya::maps::{Array, HashMap};
use probe_common::{
    names::map,
    protect::ProtectedKey,
    rule::{EndpointKey, FaultRule, JitterTable, Target, kill, only},
};

use super::{super::seeds, Injector};
use crate::{
    plan::{encode::Encoded, jitter},
    protection::{self, NeverFaulted},
};

impl Injector {
    /// Writes the list of what no fault touches; without one, no plan is taken.
    ///
    /// # Errors
    /// Where the list doesn't fit, or a map can't be written.
    pub fn protect(&mut self, list: &NeverFaulted) -> Result<()> {
        let encoded = protection::encode::encode(list)?;
        let mut ends: HashMap<_, ProtectedKey, u32> =
            self.map_mut(map::PROTECTED_ENDS)?.try_into()?;
        for key in &encoded.keys {
            ends.insert(key, 1, 0)
                .context("writing the never-fault list")?;
        }
        let mut ports: Array<_, u32> = self.map_mut(map::PROTECTED_PORTS)?.try_into()?;
        for (&word, &bits) in &encoded.ports {
            ports
                .set(word, bits, 0)
                .context("writing the never-fault list")?;
        }
        self.set(map::PROTECT, encoded.header)?;
        self.protects = true;
        Ok(())
    }

    /// Writes rules, then the targets that lead to them, then the shapes that lead to those.
    /// Rules that limit connections hold last, once those are counted that are open.
    pub(super) fn write(&mut self, encoded: &Encoded) -> Result<()> {
        self.write_jitter(encoded)?;
        let fresh = self.fresh(encoded);
        let by_age = fresh
            .iter()
            .copied()
            .filter(|&index| encoded.rules[index as usize].only != only::ALL);
        let by_age: Vec<u32> = by_age.collect();
        let Self { netns, ebpf, .. } = self;
        let ebpf = ebpf.as_mut().context("the programs are unloaded")?;
        seeds::write_ages(ebpf, netns, &by_age)?;
        let limits = fresh.iter().copied();
        let limits: Vec<u32> = limits
            .filter(|index| encoded.limits.contains(index))
            .collect();
        self.write_rules(encoded, &limits)?;
        self.write_targets(encoded)?;
        self.write_filter(encoded)?;
        self.rules = self.rules.max(encoded.rules.len());
        self.header.generation += 1;
        self.header.rule_count = encoded.rules.len() as u32;
        self.header.connect_rules = encoded.connect_rules;
        self.header.limit_count = encoded.limits.len() as u32;
        self.header.limits[..encoded.limits.len()].copy_from_slice(&encoded.limits);
        self.header.shape_count = encoded.shapes.len() as u32;
        self.header.shapes[..encoded.shapes.len()].copy_from_slice(&encoded.shapes);
        let header = self.header;
        self.lines.iter().for_each(|line| line.hold());
        let armed = u32::from(encoded.rules.iter().any(|rule| rule.deadline_ns != 0));
        self.set_at(map::KILL, kill::ARMED, armed)?;
        self.set(map::PLAN, header)?;
        self.count_open(encoded, &limits)
    }

    /// Indices of the rules that come to hold by this plan.
    fn fresh(&mut self, encoded: &Encoded) -> Vec<u32> {
        let since: Vec<u64> = encoded.rules.iter().map(|rule| rule.starts_ns).collect();
        self.seeded.resize(since.len(), 0);
        let before = std::mem::replace(&mut self.since, since);
        let rules = encoded.rules.iter().enumerate();
        rules
            .filter(|(index, rule)| {
                rule.deadline_ns != 0 && before.get(*index) != Some(&rule.starts_ns)
            })
            .map(|(index, _)| index as u32)
            .collect()
    }

    /// Writes rules; those named are put off until time ends.
    fn write_rules(&mut self, encoded: &Encoded, put_off: &[u32]) -> Result<()> {
        let seeded = std::mem::take(&mut self.seeded);
        let mut rules: Array<_, FaultRule> = self.map_mut(map::RULES)?.try_into()?;
        for (index, rule) in encoded.rules.iter().enumerate() {
            let mut rule = *rule;
            rule.seeded = seeded[index];
            if put_off.contains(&(index as u32)) {
                rule.starts_ns = u64::MAX;
            }
            rules.set(index as u32, rule, 0).context("writing a rule")?;
        }
        self.seeded = seeded;
        Ok(())
    }

    fn write_targets(&mut self, encoded: &Encoded) -> Result<()> {
        let before = std::mem::take(&mut self.targets);
        let mut targets: HashMap<_, EndpointKey, Target> =
            self.map_mut(map::TARGETS)?.try_into()?;
        for (key, target) in &encoded.targets {
            targets.insert(key, target, 0).context("writing a target")?;
        }
        for gone in before
            .iter()
            .filter(|key| !encoded.targets.contains_key(key))
        {
            targets.remove(gone).context("removing a target")?;
        }
        self.targets = encoded.targets.keys().copied().collect();
        Ok(())
    }

    /// Has the targets' bits set in the filter before them, and no others for long.
    fn write_filter(&mut self, encoded: &Encoded) -> Result<()> {
        let fresh = encoded.filter();
        let stale = std::mem::replace(&mut self.filter, fresh.clone());
        let mut filter: Array<_, u64> = self.map_mut(map::FILTER)?.try_into()?;
        let gone = stale.keys().filter(|word| !fresh.contains_key(word));
        let words = fresh.iter().map(|(&word, &bits)| (word, bits));
        for (word, bits) in words.chain(gone.map(|&word| (word, 0))) {
            filter.set(word, bits, 0).context("writing the filter")?;
        }
        Ok(())
    }

    /// Counts the connections that are open, and lets the rules hold that limit them.
    fn count_open(&mut self, encoded: &Encoded, limits: &[u32]) -> Result<()> {
        if limits.is_empty() {
            return Ok(());
        }
        let asked: Vec<_> = limits
            .iter()
            .map(|&index| (index, encoded.rules[index as usize].near != 0))
            .collect();
        let Self {
            netns, ebpf, near, ..
        } = self;
        let ebpf = ebpf.as_mut().context("the programs are unloaded")?;
        let open = seeds::write_open(ebpf, netns, near, encoded, &asked)?;
        for (&index, open) in limits.iter().zip(open) {
            self.seeded[index as usize] += open;
        }
        self.write_rules(encoded, &[])
    }

    /// Writes the tables of the distributions that rules draw from, each once.
    fn write_jitter(&mut self, encoded: &Encoded) -> Result<()> {
        for of in encoded.rules.iter().map(|rule| rule.distribution) {
            if self.jitter.contains(&of) {
                continue;
            }
            let Some(table) = jitter::table(of) else {
                continue;
            };
            let mut tables: Array<_, JitterTable> = self.map_mut(map::JITTER)?.try_into()?;
            tables
                .set(of - 1, table, 0)
                .context("writing a jitter table")?;
            self.jitter.insert(of);
        }
        Ok(())
    }
}
