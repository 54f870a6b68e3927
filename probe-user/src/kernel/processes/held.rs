//! One fault on processes, as long as it holds: whom it has met, and what became of them.

use std::collections::BTreeSet;

use probe_common::counters::RuleCounters;

use super::{
    super::{pidfd::PidFd, process::Stat},
    Answer,
    find::{Member, Members},
};
use crate::{fault::Ending, plan::Rule};

/// A fault on processes.
#[derive(Debug)]
pub(super) struct Held {
    /// Which signal they get once; `None` where they are stopped.
    pub(super) signal: Option<Ending>,
    pub(super) starts_ns: u64,
    ends_ns: u64,
    /// For how long it holds and pauses.
    pulse: Option<(u64, u64)>,
    /// Whether it acts right now.
    pub(super) is_active: bool,
    members: BTreeSet<Member>,
    spared: BTreeSet<Member>,
    /// Those that were stopped by somebody else, or could not be.
    left_alone: BTreeSet<Member>,
    /// Those that are stopped now.
    stopped: BTreeSet<Member>,
    /// Those that were stopped once.
    paused: BTreeSet<Member>,
    /// Those that got the signal.
    signalled: BTreeSet<Member>,
    /// Those of them that have ended.
    ended: BTreeSet<Member>,
    errors: u64,
}

impl Held {
    pub(super) fn new(rule: &Rule) -> Self {
        Self {
            signal: rule.fault.signal(),
            starts_ns: rule.starts_ns,
            ends_ns: rule.ends_ns,
            pulse: rule.modifiers.pulse.map(|it| (it.on_ns, it.off_ns)),
            is_active: false,
            members: BTreeSet::new(),
            spared: BTreeSet::new(),
            left_alone: BTreeSet::new(),
            stopped: BTreeSet::new(),
            paused: BTreeSet::new(),
            signalled: BTreeSet::new(),
            ended: BTreeSet::new(),
            errors: 0,
        }
    }

    /// Ends it, whatever its time.
    pub(super) fn finish(&mut self) {
        self.ends_ns = 0;
    }

    /// Whether it is to hold at a time.
    pub(super) fn is_on(&self, now_ns: u64) -> bool {
        let is_its_time = (self.starts_ns..self.ends_ns).contains(&now_ns);
        let holds = self.pulse.is_none_or(|(on_ns, off_ns)| {
            let since_ns = now_ns.saturating_sub(self.starts_ns);
            since_ns % (on_ns + off_ns).max(1) < on_ns
        });
        is_its_time && holds
    }

    /// Takes in those that were found; tells whether there were any to act on. A signal is for
    /// those that are there when the fault begins.
    pub(super) fn meets(&mut self, find: impl Fn(&BTreeSet<Member>) -> Members) -> bool {
        if self.signal.is_some() && self.is_active {
            return false;
        }
        let known = &self.members | &self.spared;
        let found = find(&known);
        let fresh = !found.chosen.is_empty();
        self.members.extend(found.chosen);
        self.spared
            .extend(found.spared.into_iter().map(|(member, _)| member));
        fresh
    }

    /// Sends the signal to those that haven't got it.
    pub(super) fn send(&mut self) {
        let Some(signal) = self.signal else { return };
        for member in &self.members - &self.signalled {
            self.signalled.insert(member);
            let sent = PidFd::open(member.pid, member.started).and_then(|process| match process {
                Some(process) => process.signal(signal.number() as i32),
                None => Ok(false),
            });
            match sent {
                Ok(true) => {}
                // It ended by itself.
                Ok(false) => {
                    self.left_alone.insert(member);
                }
                Err(error) => {
                    log::warn!("signal to {member}: {error}");
                    self.left_alone.insert(member);
                    self.errors += 1;
                }
            }
        }
    }

    /// Sees which of those that got the signal have ended.
    pub(super) fn look_who_ended(&mut self) {
        let gone = self.signalled.iter().filter(|member| {
            !Stat::of(member.pid).is_some_and(|it| it.started == member.started && !it.has_ended())
        });
        let gone: Vec<Member> = gone.copied().collect();
        let by_it = gone.into_iter().filter(|it| !self.left_alone.contains(it));
        self.ended.extend(by_it);
    }

    /// Those that are to be stopped and aren't yet; not those that somebody else stopped.
    pub(super) fn waiting(&mut self) -> Vec<Member> {
        let waiting = &(&self.members - &self.stopped) - &self.left_alone;
        let is_stopped =
            |member: &Member| Stat::of(member.pid).is_some_and(|stat| stat.is_stopped());
        let (others, waiting): (Vec<_>, Vec<_>) = waiting.into_iter().partition(is_stopped);
        self.left_alone.extend(others);
        waiting
    }

    /// Takes in what the guardian did.
    pub(super) fn was_answered(&mut self, member: Member, answer: Answer) {
        match answer {
            Answer::Done => {
                self.stopped.insert(member);
                self.paused.insert(member);
            }
            Answer::Failed => {
                // One that was paused before is counted there.
                self.errors += u64::from(!self.paused.contains(&member));
                self.left_alone.insert(member);
            }
            _ => {
                self.left_alone.insert(member);
            }
        }
    }

    /// Takes in that nothing is stopped on its account any more.
    pub(super) fn rest(&mut self) {
        self.is_active = false;
        self.stopped.clear();
        self.look_who_ended();
    }

    /// Whether all that were to end have.
    pub(super) fn is_done(&self) -> bool {
        self.signal.is_some() && !self.members.is_empty() && self.survivors().next().is_none()
    }

    /// Those that got the signal and are there still.
    pub(super) fn survivors(&self) -> impl Iterator<Item = &Member> {
        self.signalled
            .iter()
            .filter(|it| !self.ended.contains(it) && !self.left_alone.contains(it))
    }

    /// What became of processes, in the words of packets.
    pub(super) fn counters(&self) -> RuleCounters {
        let (matched, spared) = (self.members.len() as u64, self.spared.len() as u64);
        let (paused, killed) = (self.paused.len() as u64, self.ended.len() as u64);
        RuleCounters {
            seen: matched + spared,
            matched,
            passed: matched.saturating_sub(paused + killed + self.errors),
            protected: spared,
            errors: self.errors,
            paused,
            killed,
            ..RuleCounters::default()
        }
    }
}
