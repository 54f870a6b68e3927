//! The slots of peers: which of them is whose, and when one is taken back for the next.
//!
//! The kernel programs lend a slot to each peer they meet. Here the slots come back: of callers
//! that are gone, and where slots run short, of those that were idle longest. What a slot had
//! counted is handed over before it is lent again.

use std::{collections::VecDeque, path::Path};

use anyhow::{Context, Result};
use aya::{
    Ebpf,
    maps::{Array, HashMap, MapData, PerCpuArray, PerCpuValues, Queue},
    util::nr_cpus,
};
use probe_common::{
    counters::PeerCounters,
    flow::{PeerKey, role},
    gauge::Gauge,
    histogram::Buckets,
    names::map,
    peer::{MAX_PEERS, PeerSlot, first_handle, index_of, next_handle},
};

use crate::{
    kernel::{mapped::Mapped, object},
    model::{Counted, Histogram},
};

/// A caller that is gone keeps its slot for so long after its last event.
const IDLE_NS: u64 = 5_000_000_000;
/// Between taking a slot from its peer and reading it: longer than any program runs.
const GRACE_NS: u64 = 1_000_000_000;
/// How often it is looked who is gone.
const LOOK_EVERY_NS: u64 = 2_000_000_000;
/// With fewer slots free than this, peers that still live lose theirs.
const SHORT: usize = MAX_PEERS as usize / 4;
/// So many are free again then.
const ENOUGH: usize = MAX_PEERS as usize / 2;

/// Only where there is no such key.
const BPF_NOEXIST: u64 = 1;

/// Who has which slot.
pub(super) struct Slots {
    peers: HashMap<MapData, PeerKey, u32>,
    free: Queue<MapData, u32>,
    slots: Array<MapData, PeerSlot>,
    counters: PerCpuArray<MapData, PeerCounters>,
    latency: Array<MapData, Buckets>,
    gauges: Array<MapData, Gauge>,
    /// The same, to be read all the time.
    waiting: Mapped<Gauge>,
    /// By index.
    lent: Vec<Option<Lent>>,
    /// Taken from their peers, not read yet; the oldest first.
    taken: VecDeque<(Lent, u64)>,
    looked_ns: u64,
    /// How many times a slot came back.
    pub(super) returned: u64,
}

/// A slot that a peer has.
#[derive(Clone, Copy, Debug)]
struct Lent {
    handle: u32,
    key: PeerKey,
    last_ns: u64,
    /// Its connections aren't looked at.
    unwanted: bool,
}

impl Slots {
    /// Takes the maps over, and has every slot free.
    ///
    /// # Errors
    /// Where the maps can't be written.
    pub(super) fn new(ebpf: &mut Ebpf) -> Result<Self> {
        let mut take = |name| object::take_map(ebpf, name);
        let gauges = take(map::GAUGES)?;
        let waiting = Mapped::map(&gauges, MAX_PEERS as usize).context(map::GAUGES)?;
        let mut slots = Self {
            peers: take(map::PEERS)?.try_into()?,
            free: take(map::FREE_PEERS)?.try_into()?,
            slots: take(map::PEER_SLOTS)?.try_into()?,
            counters: take(map::PEER_COUNTERS)?.try_into()?,
            latency: take(map::LATENCY)?.try_into()?,
            gauges: gauges.try_into()?,
            waiting,
            lent: vec![None; MAX_PEERS as usize],
            taken: VecDeque::new(),
            looked_ns: 0,
            returned: 0,
        };
        for index in 1..MAX_PEERS {
            slots
                .free
                .push(first_handle(index), 0)
                .context("peer slots: filling the queue")?;
        }
        Ok(slots)
    }

    /// Lends a peer a slot, as the programs would; 0 where there is none.
    ///
    /// # Errors
    /// Where the maps can't be written.
    pub(super) fn lend(&mut self, key: &PeerKey, now_ns: u64) -> Result<u32> {
        if let Ok(handle) = self.peers.get(key, 0) {
            return Ok(handle);
        }
        let Ok(handle) = self.free.pop(0) else {
            return Ok(0);
        };
        let slot = PeerSlot {
            key: *key,
            handle,
            unwanted: 0,
        };
        self.slots.set(index_of(handle), slot, 0)?;
        if self.peers.insert(key, handle, BPF_NOEXIST).is_err() {
            // A program was faster, or there is no room.
            self.slots.set(index_of(handle), PeerSlot::default(), 0)?;
            self.free.push(handle, 0).context("giving a slot back")?;
            return Ok(self.peers.get(key, 0).unwrap_or(0));
        }
        self.note(handle, *key, now_ns);
        Ok(handle)
    }

    /// Who has a slot by this handle, or had it until a moment ago; whom an event now is about.
    pub(super) fn peer(&mut self, handle: u32, at_ns: u64) -> Option<PeerKey> {
        if handle == 0 {
            return None;
        }
        match self.lent.get_mut(index_of(handle) as usize)? {
            Some(lent) if lent.handle == handle => {
                lent.last_ns = lent.last_ns.max(at_ns);
                Some(lent.key)
            }
            _ => self.learn(handle, at_ns),
        }
    }

    fn learn(&mut self, handle: u32, at_ns: u64) -> Option<PeerKey> {
        let taken = self.taken.iter().find(|(it, _)| it.handle == handle);
        if let Some((it, _)) = taken {
            return Some(it.key);
        }
        let slot = self.slots.get(&index_of(handle), 0).ok()?;
        (slot.handle == handle).then(|| {
            self.note(handle, slot.key, at_ns);
            slot.key
        })
    }

    fn note(&mut self, handle: u32, key: PeerKey, last_ns: u64) {
        self.lent[index_of(handle) as usize] = Some(Lent {
            handle,
            key,
            last_ns,
            unwanted: false,
        });
    }

    /// Has the programs look at what the connections carry of who has a slot by this handle, or
    /// not.
    ///
    /// # Errors
    /// Where the map can't be written.
    pub(super) fn want(&mut self, handle: u32, wanted: bool) -> Result<()> {
        let Some(Some(lent)) = self.lent.get_mut(index_of(handle) as usize) else {
            return Ok(());
        };
        if lent.handle != handle || lent.unwanted != wanted {
            return Ok(());
        }
        let slot = PeerSlot {
            key: lent.key,
            handle,
            unwanted: u32::from(!wanted),
        };
        self.slots.set(index_of(handle), slot, 0)?;
        lent.unwanted = !wanted;
        Ok(())
    }

    /// How many requests wait, of every peer that was told of.
    pub(super) fn gauges(&self) -> Vec<(PeerKey, Gauge)> {
        let lent = self.lent.iter().flatten();
        lent.filter_map(|it| Some((it.key, self.waiting.read(index_of(it.handle) as usize)?)))
            .collect()
    }

    /// Takes slots back; `fold` is given what each had counted, before it is lent again.
    ///
    /// # Errors
    /// Where the maps can't be read or written.
    pub(super) fn recycle(
        &mut self,
        now_ns: u64,
        mut fold: impl FnMut(&PeerKey, &Counted),
    ) -> Result<()> {
        let before = self.returned;
        let is_due = |(_, since_ns): &(Lent, u64)| now_ns.saturating_sub(*since_ns) >= GRACE_NS;
        while let Some((lent, _)) = self.taken.pop_front_if(|it| is_due(it)) {
            fold(&lent.key, &self.read(lent.handle)?);
            self.give_back(lent.handle)?;
        }
        if self.returned > before {
            log::info!("{} peers' slots were given back", self.returned - before);
        }
        if now_ns.saturating_sub(self.looked_ns) < LOOK_EVERY_NS {
            return Ok(());
        }
        self.looked_ns = now_ns;
        // Slots may be lent of which no event told: it was lost.
        self.learn_all(now_ns);
        for handle in self.dispensable(now_ns) {
            self.take_from(handle, now_ns)?;
        }
        Ok(())
    }

    /// What every peer has counted that has a slot.
    ///
    /// # Errors
    /// Where the maps can't be read.
    pub(super) fn counted(&mut self, now_ns: u64) -> Result<Vec<(PeerKey, Counted)>> {
        self.learn_all(now_ns);
        let taken = self.taken.iter().map(|(it, _)| *it);
        let all: Vec<Lent> = self.lent.iter().flatten().copied().chain(taken).collect();
        all.iter()
            .map(|it| Ok((it.key, self.read(it.handle)?)))
            .collect()
    }

    fn learn_all(&mut self, now_ns: u64) {
        let Self { peers, lent, .. } = self;
        for (key, handle) in peers.iter().filter_map(Result::ok) {
            let known = &mut lent[index_of(handle) as usize];
            if known.is_none_or(|it| it.handle != handle) {
                *known = Some(Lent {
                    handle,
                    key,
                    last_ns: now_ns,
                    unwanted: false,
                });
            }
        }
    }

    /// Which slots can be taken: of callers that are gone, then as many as are short of those
    /// that were idle longest.
    fn dispensable(&self, now_ns: u64) -> Vec<u32> {
        let idle = |it: &&Lent| now_ns.saturating_sub(it.last_ns) >= IDLE_NS;
        let (gone, mut here): (Vec<&Lent>, Vec<&Lent>) = self
            .lent
            .iter()
            .flatten()
            .partition(|it| idle(it) && is_gone(&it.key));
        let waits = |it: &Lent| {
            let gauge = self.waiting.read(index_of(it.handle) as usize);
            gauge.is_some_and(|it| it.in_flight > 0)
        };
        let free = self.lent.len() - here.len();
        let mut handles: Vec<u32> = gone.iter().map(|it| it.handle).collect();
        if free < SHORT {
            // Nothing is told of those that nobody asked for, not even that they are busy.
            here.sort_by_cached_key(|it| (!it.unwanted, waits(it), it.last_ns));
            handles.extend(here.iter().take(ENOUGH - free).map(|it| it.handle));
        }
        handles
    }

    /// From now on a peer has no slot: its connections find that out, and what they count
    /// meanwhile goes where all others' is counted.
    fn take_from(&mut self, handle: u32, now_ns: u64) -> Result<()> {
        let Some(lent) = self.lent[index_of(handle) as usize].take() else {
            return Ok(());
        };
        if self.peers.get(&lent.key, 0).is_ok_and(|it| it == handle) {
            self.peers
                .remove(&lent.key)
                .context("taking a peer's slot")?;
        }
        self.slots.set(index_of(handle), PeerSlot::default(), 0)?;
        self.taken.push_back((lent, now_ns));
        Ok(())
    }

    fn read(&self, handle: u32) -> Result<Counted> {
        let index = index_of(handle);
        let mut counted = Counted::default();
        let values = self.counters.get(&index, 0)?;
        values.iter().for_each(|cpu| counted.counters.add(cpu));
        counted.latency = histogram(&self.latency.get(&index, 0)?);
        Ok(counted)
    }

    fn give_back(&mut self, handle: u32) -> Result<()> {
        let index = index_of(handle);
        let cpus = nr_cpus().map_err(|(_, error)| error)?;
        let zero = PerCpuValues::try_from(vec![PeerCounters::default(); cpus])?;
        self.counters.set(index, zero, 0)?;
        self.latency.set(index, Buckets::default(), 0)?;
        self.gauges.set(index, Gauge::default(), 0)?;
        self.free
            .push(next_handle(handle), 0)
            .context("giving a peer's slot back")?;
        self.returned += 1;
        Ok(())
    }
}

fn histogram(buckets: &Buckets) -> Histogram {
    let mut histogram = Histogram::default();
    for (bucket, &count) in buckets.counts.iter().enumerate() {
        histogram.record_bucket(bucket, u64::from(count));
    }
    histogram
}

/// Whether a caller has ended. Of servers, and callers that aren't known, that can't be told.
fn is_gone(key: &PeerKey) -> bool {
    key.role == role::CLIENT && key.pid != 0 && !Path::new(&format!("/proc/{}", key.pid)).exists()
}
