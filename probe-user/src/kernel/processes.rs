//! Acting on the near side's processes: stopping them and letting them go on, or ending them.
//!
//! A thread looks for processes that came later, several times a second. It stops none itself:
//! the guardian does, which continues them also when this process can't. What is stopped is noted
//! in /run/probe before, for the case that both are killed.

mod find;
mod guard;
mod guardian;
mod held;
mod maps;
mod switches;

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use anyhow::{Context, Result};
use aya::Ebpf;

pub use find::{Finder, Members};
pub use guard::run as run_guardian;
pub use maps::MapIds;

use self::{find::Member, guardian::Guardian, held::Held, maps::Counters, switches::Switches};
use super::{
    clock,
    leftovers::{Ledger, Leftover},
    netns::Netns,
};
use crate::plan::Plan;

/// How often it is looked whether a time has come.
const TICK: Duration = Duration::from_millis(20);
/// How often it is looked for processes that came later, in nanoseconds.
const LOOK_NS: u64 = 100_000_000;
/// How often it is looked at once: between two looks processes may fork.
const PASSES: usize = 8;

/// What the guardian answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    /// It watches.
    Ready,
    /// As told.
    Done,
    /// The process was stopped before, by somebody else.
    WasStopped,
    /// The process has ended.
    Gone,
    /// The fault doesn't hold any more.
    Over,
    /// It could not.
    Failed,
}

const ANSWERS: [(Answer, &str); 6] = [
    (Answer::Ready, "ready\n"),
    (Answer::Done, "done\n"),
    (Answer::WasStopped, "was-stopped\n"),
    (Answer::Gone, "gone\n"),
    (Answer::Over, "over\n"),
    (Answer::Failed, "failed\n"),
];

impl Answer {
    fn line(self) -> &'static str {
        let found = ANSWERS.iter().find(|(answer, _)| *answer == self);
        found.map_or("failed\n", |(_, line)| line)
    }

    fn read(line: &str) -> Option<Self> {
        let found = ANSWERS.iter().find(|(_, known)| *known == line);
        found.map(|(answer, _)| *answer)
    }
}

/// Faults on processes. Dropped, it ends them.
#[derive(Debug)]
pub struct Processes {
    work: Arc<Mutex<Work>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Work {
    finder: Finder,
    /// There where anything is to be stopped.
    guardian: Option<Guardian>,
    ledger: Ledger,
    counters: Counters,
    switches: Switches,
    /// By the place of the rule in its plan.
    held: BTreeMap<u32, Held>,
    looked_ns: u64,
    is_over: bool,
    /// Why it can't go on.
    failed: Option<String>,
}

impl Processes {
    /// Makes ready what a plan needs; nothing is stopped yet.
    ///
    /// # Errors
    /// Where the guardian doesn't come up.
    pub fn start(ebpf: &Ebpf, netns: &Netns, plan: &Plan) -> Result<Self> {
        let (ids, counters) = maps::of(ebpf)?;
        let stops = |rule: &crate::plan::Rule| {
            rule.fault.is_on_processes() && rule.fault.signal().is_none()
        };
        let guardian = match plan.rules.iter().any(stops) {
            true => Some(Guardian::start(ids)?),
            false => None,
        };
        let work = Arc::new(Mutex::new(Work {
            finder: Finder::new(&plan.near, netns.inode),
            guardian,
            ledger: Ledger::open_beside(netns, "stopped"),
            counters,
            switches: Switches::open(ids)?,
            held: BTreeMap::new(),
            looked_ns: 0,
            is_over: false,
            failed: None,
        }));
        let stop = Arc::new(AtomicBool::new(false));
        let (shared, stopped) = (Arc::clone(&work), Arc::clone(&stop));
        let thread = std::thread::Builder::new()
            .name("probe-processes".into())
            .spawn(move || {
                while !stopped.load(Ordering::Relaxed) {
                    lock(&shared).tick(clock::now_ns());
                    std::thread::park_timeout(TICK);
                }
            })
            .context("starting the thread that looks for processes")?;
        Ok(Self {
            work,
            stop,
            thread: Some(thread),
        })
    }

    /// Makes faults of a plan the ones that hold. Its rules have to be in the kernel already.
    ///
    /// # Errors
    /// Where there is no process that one could act on, or nobody answers for those that would
    /// be stopped.
    pub fn apply(&self, plan: &Plan) -> Result<()> {
        lock(&self.work).apply(plan)
    }

    /// Ends them, for good.
    pub fn end(&self) {
        lock(&self.work).end();
    }

    /// Why it could not go on, if so.
    pub fn failed(&self) -> Option<String> {
        lock(&self.work).failed.clone()
    }

    /// Whether there is nothing more to do: each process that was to end has.
    pub fn are_done(&self) -> bool {
        let work = lock(&self.work);
        !work.held.is_empty() && work.held.values().all(Held::is_done)
    }

    /// Those that got a signal and are there still, in words.
    pub fn survivors(&self) -> Vec<String> {
        let work = lock(&self.work);
        let survivors = work.held.values().flat_map(Held::survivors);
        survivors.map(ToString::to_string).collect()
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        self.end();
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            let _ = thread.join();
        }
    }
}

impl Work {
    fn apply(&mut self, plan: &Plan) -> Result<()> {
        for (index, rule) in plan.rules.iter().enumerate() {
            let index = index as u32;
            let holds = rule.fault.is_on_processes() && rule.ends_ns != 0;
            let since = self.held.get(&index).map(|held| held.starts_ns);
            if !holds {
                self.held.get_mut(&index).into_iter().for_each(Held::finish);
                self.release(index)?;
            } else if since != Some(rule.starts_ns) && !self.is_over {
                self.finder.find_some()?;
                self.held.insert(index, Held::new(rule));
                self.look(index)?;
            }
        }
        Ok(())
    }

    fn tick(&mut self, now_ns: u64) {
        if self.is_over {
            return;
        }
        let is_due = now_ns.saturating_sub(self.looked_ns) >= LOOK_NS;
        if is_due {
            self.looked_ns = now_ns;
        }
        if let Err(error) = self.go_through(now_ns, is_due) {
            log::warn!("{error:#}");
            self.failed.get_or_insert(format!("{error:#}"));
            self.guardian.take().into_iter().for_each(Guardian::kill);
            self.end();
        }
    }

    /// Does what is due with each fault.
    fn go_through(&mut self, now_ns: u64, looks: bool) -> Result<()> {
        if looks && let Some(guardian) = &mut self.guardian {
            guardian.ping()?;
        }
        for index in self.held.keys().copied().collect::<Vec<_>>() {
            let Some(held) = self.held.get(&index) else {
                continue;
            };
            match (held.is_on(now_ns), held.is_active) {
                (true, false) => self.look(index)?,
                (true, true) if looks => self.look(index)?,
                (false, true) => self.release(index)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// Looks for processes that a fault hasn't met yet, until there are no more, and acts on them.
    fn look(&mut self, index: u32) -> Result<()> {
        let Some(mut held) = self.held.remove(&index) else {
            return Ok(());
        };
        let mut done = held
            .signal
            .map_or_else(|| self.stop(index, &mut held), |_| Ok(()));
        for _ in 0..PASSES {
            let fresh = held.meets(|known| self.finder.find(known));
            if done.is_err() || !fresh {
                break;
            }
            done = match held.signal {
                // A signal can't be taken back: it is asked once more at the last moment.
                Some(_) if self.switches.are_over() || self.switches.is_over(index) => Ok(()),
                Some(_) => {
                    held.send();
                    Ok(())
                }
                None => self.stop(index, &mut held),
            };
        }
        held.is_active = true;
        held.look_who_ended();
        let told = self.counters.write(index, &held.counters());
        self.held.insert(index, held);
        done.and(told)
    }

    /// Has those stopped that a fault is to stop and that aren't yet.
    fn stop(&mut self, index: u32, held: &mut Held) -> Result<()> {
        let waiting = held.waiting();
        if waiting.is_empty() {
            return Ok(());
        }
        let noted = |member: &Member| Leftover::Stopped {
            pid: member.pid,
            started: member.started,
        };
        self.ledger.note_all(waiting.iter().map(noted))?;
        let guardian = self.guardian.as_mut().context("there is no guardian")?;
        for member in waiting {
            match guardian.stop(index, member)? {
                Answer::Over => break,
                answer => {
                    if answer == Answer::WasStopped {
                        self.ledger.strike(&noted(&member))?;
                    }
                    held.was_answered(member, answer);
                }
            }
        }
        Ok(())
    }

    /// Continues what was stopped for the sake of a fault alone.
    fn release(&mut self, index: u32) -> Result<()> {
        let Some(held) = self.held.get_mut(&index).filter(|held| held.is_active) else {
            return Ok(());
        };
        held.rest();
        let counters = held.counters();
        if held.signal.is_none()
            && let Some(guardian) = &mut self.guardian
        {
            guardian.go(index)?;
        }
        if !self.held.values().any(|held| held.is_active) {
            self.ledger.settle();
        }
        self.counters.write(index, &counters)
    }

    fn end(&mut self) {
        if std::mem::replace(&mut self.is_over, true) {
            return;
        }
        for index in self.held.keys().copied().collect::<Vec<_>>() {
            let Some(held) = self.held.get_mut(&index) else {
                continue;
            };
            held.rest();
            let counters = held.counters();
            if let Some(guardian) = &mut self.guardian {
                // The ledger is settled below, whether it answers or not.
                let _ = guardian.go(index);
            }
            let _ = self.counters.write(index, &counters);
        }
        drop(self.guardian.take());
        self.ledger.settle();
    }
}

fn lock(work: &Mutex<Work>) -> MutexGuard<'_, Work> {
    work.lock().unwrap_or_else(PoisonError::into_inner)
}
