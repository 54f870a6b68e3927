//! The last minute of every dependency and service, second by second, and its last seconds
//! together, for the dashboard: reckoned less often than pictures are made.

use std::collections::{HashMap, VecDeque};

use crate::{
    model::{Model, Party, Service, WindowStats},
    snapshot::SecondView,
};

const SECOND_NS: u64 = 1_000_000_000;
/// Seconds that are kept.
const KEPT: u64 = 60;
/// Over how long "now" is told.
const RECENT_NS: u64 = 10 * SECOND_NS;
/// How often that is reckoned.
const RECKON_NS: u64 = 300_000_000;
/// Seconds that are reckoned anew with each new one: a call is told of a moment after it ended.
const ANEW: u64 = 2;

/// Whose seconds they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PartyKey {
    /// A dependency's, by its number.
    Dependency(u32),
    /// A service's, by its namespace, port and transport.
    Service(u64, u16, u8),
}

impl PartyKey {
    /// That of a service.
    pub fn of_service(service: &Service) -> Self {
        Self::Service(service.netns_cookie, service.port, service.transport)
    }
}

/// Everybody in a model.
pub fn parties(model: &Model) -> impl Iterator<Item = (PartyKey, &Party)> {
    let dependencies = model.dependencies().iter();
    let services = model.services().iter();
    dependencies
        .map(|it| (PartyKey::Dependency(it.number), &it.party))
        .chain(services.map(|it| (PartyKey::of_service(it), &it.party)))
}

/// The last minute of each.
#[derive(Debug, Default)]
pub struct Trends {
    /// The first second that isn't told of yet, on CLOCK_MONOTONIC.
    until: u64,
    /// When what is recent was last reckoned.
    reckoned_ns: u64,
    recent: HashMap<PartyKey, WindowStats>,
    seconds: HashMap<PartyKey, VecDeque<SecondView>>,
}

impl Trends {
    /// Reckons what is recent, where that was a while ago.
    pub fn reckon<'a>(
        &mut self,
        parties: impl Iterator<Item = (PartyKey, &'a Party)>,
        started_ns: u64,
        now_ns: u64,
    ) {
        if now_ns < self.reckoned_ns + RECKON_NS {
            return;
        }
        self.reckoned_ns = now_ns;
        let from_ns = now_ns.saturating_sub(RECENT_NS).max(started_ns);
        let recent = parties.map(|(key, party)| (key, party.history.window(from_ns, now_ns)));
        self.recent = recent.collect();
    }

    /// What happened to one in the last ten seconds.
    pub fn recent(&self, key: PartyKey) -> WindowStats {
        self.recent.get(&key).cloned().unwrap_or_default()
    }

    /// Takes in the seconds that are over by now.
    pub fn advance<'a>(
        &mut self,
        parties: impl Iterator<Item = (PartyKey, &'a Party)>,
        started_ns: u64,
        now_ns: u64,
    ) {
        let next = now_ns / SECOND_NS;
        if self.until >= next {
            return;
        }
        let oldest = next.saturating_sub(KEPT).max(started_ns / SECOND_NS);
        let from = self.until.saturating_sub(ANEW).clamp(oldest, next);
        let mut before = std::mem::take(&mut self.seconds);
        for (key, party) in parties {
            let mut kept = before.remove(&key).unwrap_or_default();
            let anew = self.until.saturating_sub(from) as usize;
            kept.truncate(kept.len().saturating_sub(anew));
            // Of one that is new, all of them; of the others those since.
            let first = match kept.is_empty() {
                true => oldest,
                false => from,
            };
            kept.extend((first..next).map(|second| second_of(party, second)));
            let gone = kept.len().saturating_sub((next - oldest) as usize);
            kept.drain(..gone);
            self.seconds.insert(key, kept);
        }
        self.until = next;
    }

    /// The seconds of one, oldest first, each with its number on CLOCK_MONOTONIC.
    pub fn of(&self, key: PartyKey) -> impl Iterator<Item = (u64, &SecondView)> {
        let seconds = self.seconds.get(&key);
        let length = seconds.map_or(0, VecDeque::len) as u64;
        (self.until.saturating_sub(length)..).zip(seconds.into_iter().flatten())
    }
}

fn second_of(party: &Party, second: u64) -> SecondView {
    let (from, to) = (second * SECOND_NS, (second + 1) * SECOND_NS);
    let window = party.history.window(from, to);
    SecondView {
        p50_us: window.latency.quantile_us(0.5),
        ok: window.ok as u32,
        failed: window.failed() as u32,
        abandoned: window.abandoned as u32,
        ..SecondView::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Call;

    #[test]
    fn a_minute_is_kept_and_each_second_has_its_number() {
        let mut trends = Trends::default();
        let key = PartyKey::Dependency(7);
        let mut party = Party::default();
        for now in 100..200u64 {
            trends.advance([(key, &party)].into_iter(), 0, now * SECOND_NS + 1);
            // What is told of late, after its second was looked at for the first time.
            for n in 0..now - 99 {
                party.history.record(&Call {
                    ended_ns: (now - 1) * SECOND_NS + n,
                    ..Call::default()
                });
            }
        }
        trends.advance([(key, &party)].into_iter(), 0, 200 * SECOND_NS);
        let told: Vec<_> = trends.of(key).collect();
        assert_eq!((told.len(), told[0].0, told[59].0), (60, 140, 199));
        let calls: Vec<u64> = told.iter().map(|it| u64::from(it.1.ok)).collect();
        let made: Vec<u64> = (140..200).map(|second| second - 98).collect();
        assert_eq!(calls[..59], made[..59]);
    }

    #[test]
    fn whoever_is_gone_is_forgotten() {
        let mut trends = Trends::default();
        let key = PartyKey::Dependency(7);
        let party = Party::default();
        trends.advance([(key, &party)].into_iter(), 0, 5 * SECOND_NS);
        assert_eq!(trends.of(key).count(), 5);
        trends.advance([].into_iter(), 0, 6 * SECOND_NS);
        assert_eq!(trends.of(key).count(), 0);
    }
}
