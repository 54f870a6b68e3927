//! Which packets the injectors of this host touched, whichever process armed them: read from
//! their maps, which are found as `probe status` finds them.

use std::{collections::HashMap, fmt};

use aya::maps::MapData;
use probe_common::{
    rule::{FaultFlow, FaultRule},
    touches::{flow_key, socket_key},
};

use super::{clock, host};
use crate::{
    fault,
    model::ledger::{FaultId, Ledger, Spell, Wire},
};

/// How long after a rule's end calls may still be asked about.
const LINGERS_NS: u64 = 10_000_000_000;
/// Calls are asked about within about this time of their end: touches that were overwritten since
/// are no older.
const SLACK_NS: u64 = 200_000_000;

/// Spells remembered; the oldest goes first.
const MOST_SPELLS: usize = 256;

/// The map in which an injector notes what it touched; open, it outlives the injector.
pub(super) type FaultFlows = aya::maps::HashMap<MapData, u64, FaultFlow>;

/// What one injector notes down, and under which rules.
pub(super) struct Notes {
    pub(super) flows: FaultFlows,
    pub(super) rules: Vec<FaultRule>,
}

/// All injectors' notes.
#[derive(Default)]
pub struct Touched {
    injectors: HashMap<u32, Known>,
    /// Names of faults, by number less one.
    names: Vec<String>,
    spells: Vec<Spell>,
}

struct Known {
    flows: FaultFlows,
    rules: Vec<Rule>,
}

struct Rule {
    index: u32,
    fault: FaultId,
    starts_ns: u64,
    deadline_ns: u64,
}

impl fmt::Debug for Touched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Touched")
            .field("injectors", &self.injectors.len())
            .field("names", &self.names)
            .finish()
    }
}

impl Touched {
    /// Looks for injectors and reads their rules anew.
    fn look(&mut self) {
        let long_over = clock::now_ns().saturating_sub(LINGERS_NS);
        self.injectors.retain(|_, known| {
            known.rules.retain(|rule| rule.deadline_ns > long_over);
            !known.rules.is_empty()
        });
        match host::notes() {
            Ok(found) => {
                self.remember(&found);
                found
                    .into_iter()
                    .for_each(|(id, notes)| self.take(id, notes));
            }
            Err(error) => log::debug!("looking for what faults touched: {error:#}"),
        }
    }

    /// Takes note of when which faults are armed; those that are so no more have ended by now.
    fn remember(&mut self, found: &[(u32, Notes)]) {
        let now_ns = clock::now_ns();
        let rules = found.iter().flat_map(|(_, notes)| &notes.rules);
        let armed: Vec<Spell> = rules
            .filter(|rule| rule.deadline_ns > rule.starts_ns)
            .map(|rule| Spell {
                fault: self.number(&fault::told(rule)),
                kind: fault::kind_of(rule),
                from_ns: rule.starts_ns,
                to_ns: rule.deadline_ns,
            })
            .collect();
        let same = |a: &Spell, b: &Spell| (a.fault, a.from_ns) == (b.fault, b.from_ns);
        for spell in &mut self.spells {
            match armed.iter().find(|it| same(it, spell)) {
                Some(armed) => spell.to_ns = armed.to_ns,
                None => spell.to_ns = spell.to_ns.min(now_ns),
            }
        }
        for new in armed {
            if self.spells.iter().any(|it| same(it, &new)) {
                continue;
            }
            if self.spells.len() == MOST_SPELLS {
                self.spells.remove(0);
            }
            self.spells.push(new);
        }
    }

    /// Takes in what one injector's rules are now; those that are gone linger.
    fn take(&mut self, id: u32, notes: Notes) {
        let rules: Vec<Rule> = notes
            .rules
            .iter()
            .enumerate()
            .filter(|(_, rule)| rule.deadline_ns > 0)
            .map(|(index, rule)| Rule {
                index: index as u32,
                fault: self.number(&fault::told(rule)),
                starts_ns: rule.starts_ns,
                deadline_ns: rule.deadline_ns,
            })
            .collect();
        if rules.is_empty() {
            return;
        }
        let known = self.injectors.entry(id).or_insert_with(|| Known {
            flows: notes.flows,
            rules: Vec::new(),
        });
        known.rules.retain(|old| {
            let same = |new: &Rule| new.index == old.index && new.starts_ns == old.starts_ns;
            !rules.iter().any(same)
        });
        known.rules.extend(rules);
    }

    fn number(&mut self, name: &str) -> FaultId {
        let known = self.names.iter().position(|it| it == name);
        let place = known.unwrap_or_else(|| {
            self.names.push(name.to_owned());
            self.names.len() - 1
        });
        FaultId(u16::try_from(place + 1).unwrap_or(u16::MAX))
    }
}

impl Ledger for Touched {
    fn fault(&mut self, wire: &Wire, from_ns: u64, to_ns: u64) -> FaultId {
        for injector in self.injectors.values() {
            let held = |rule: &&Rule| rule.starts_ns <= to_ns && rule.deadline_ns >= from_ns;
            for rule in injector.rules.iter().filter(held) {
                let packets = wire.flows.iter().flatten();
                let keys = packets
                    .map(|&flow| flow_key(flow, rule.index))
                    .chain([socket_key(wire.cookie, rule.index)]);
                for key in keys {
                    let flow = injector.flows.get(&key, 0);
                    if flow.is_ok_and(|flow| flow.touches.between(from_ns, to_ns, SLACK_NS)) {
                        return rule.fault;
                    }
                }
            }
        }
        FaultId::NONE
    }

    fn refresh(&mut self) {
        self.look();
    }

    fn spells(&self) -> &[Spell] {
        &self.spells
    }

    fn name(&self, id: FaultId) -> Option<&str> {
        let place = usize::from(id.0).checked_sub(1)?;
        self.names.get(place).map(String::as_str)
    }
}
