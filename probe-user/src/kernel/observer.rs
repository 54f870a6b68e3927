//! The observer: cgroup programs at the root of the unified hierarchy, which see every socket of
//! the host in every network namespace, and the maps they report through.

use std::{fs::File, path::PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use aya::{
    Ebpf,
    maps::{HashMap, Map, MapData, PerCpuArray, RingBuf},
    programs::{CgroupAttachMode, CgroupSkb, CgroupSkbAttachType, CgroupSockAddr, SockOps},
};
use probe_common::{
    counters::ObserverCounters,
    event::Event,
    flow::{MAX_PEERS, PeerKey},
    gauge::Gauge,
    histogram::Buckets,
    names::{map, program},
};

use super::{
    found,
    log::KernelLog,
    mapped::Mapped,
    object::{self, Half},
};
use crate::model::Histogram;

/// A running observer; dropped, its programs go.
pub struct Observer {
    events: RingBuf<MapData>,
    peers: HashMap<MapData, PeerKey, u32>,
    known: Vec<Option<PeerKey>>,
    gauges: Mapped<Gauge>,
    ebpf: Ebpf,
    _log: Option<KernelLog>,
}

impl Observer {
    /// Loads the programs and attaches them.
    ///
    /// # Errors
    /// Where there is no unified hierarchy, or the kernel refuses.
    pub fn open() -> Result<Self> {
        let root = unified_hierarchy()?;
        let cgroup = File::open(&root)
            .with_context(|| format!("cgroup2: cannot open {}", root.display()))?;
        let mut ebpf = object::load(Half::Observer)?;
        load(&mut ebpf)?;
        let found = found::write(&mut ebpf)?;
        log::info!("{found} connections were there already");
        attach(&mut ebpf, &cgroup)?;
        let log = KernelLog::follow(&mut ebpf);
        let gauges = match take(&mut ebpf, map::GAUGES)? {
            Map::Array(data) => Mapped::map(&data, MAX_PEERS as usize)?,
            _ => bail!("{} is not an array", map::GAUGES),
        };
        Ok(Self {
            gauges,
            events: take(&mut ebpf, map::EVENTS)?.try_into()?,
            peers: take(&mut ebpf, map::PEERS)?.try_into()?,
            known: Vec::new(),
            ebpf,
            _log: log,
        })
    }

    /// Hands over the events that came since the last time, with the peer each is about.
    pub fn poll(&mut self, mut receive: impl FnMut(&Event, Option<&PeerKey>)) {
        while let Some(item) = self.events.next() {
            let Some(event) = Event::decode(&item) else {
                continue;
            };
            drop(item);
            let slot = event.header().peer as usize;
            if slot != 0 && self.known.get(slot).is_none_or(Option::is_none) {
                learn_peers(&self.peers, &mut self.known);
            }
            receive(&event, self.known.get(slot).and_then(Option::as_ref));
        }
    }

    /// What the observer could not tell.
    ///
    /// # Errors
    /// Where the map can't be read.
    pub fn counters(&self) -> Result<ObserverCounters> {
        let map = self
            .ebpf
            .map(map::OBSERVER_COUNTERS)
            .context("no counters in the object")?;
        let values = PerCpuArray::<_, ObserverCounters>::try_from(map)?;
        let mut sum = ObserverCounters::default();
        values.get(&0, 0)?.iter().for_each(|cpu| sum.add(cpu));
        Ok(sum)
    }

    /// How many requests wait, of every peer that was told of.
    pub fn gauges(&self) -> Vec<(PeerKey, Gauge)> {
        let known = self.known.iter().enumerate();
        known
            .filter_map(|(slot, peer)| Some(((*peer)?, self.gauges.read(slot)?)))
            .collect()
    }

    /// Latencies of every peer that has a slot, as the kernel programs counted them: complete
    /// even where events were lost.
    ///
    /// # Errors
    /// Where the map can't be read.
    pub fn latencies(&mut self) -> Result<Vec<(PeerKey, Histogram)>> {
        learn_peers(&self.peers, &mut self.known);
        let map = self
            .ebpf
            .map(map::LATENCY)
            .context("no latencies in the object")?;
        let values = PerCpuArray::<_, Buckets>::try_from(map)?;
        let mut latencies = Vec::new();
        for (slot, peer) in self.known.iter().enumerate() {
            let Some(peer) = peer else { continue };
            let mut histogram = Histogram::default();
            for cpu in values.get(&(slot as u32), 0)?.iter() {
                for (bucket, &count) in cpu.counts.iter().enumerate() {
                    histogram.record_bucket(bucket, u64::from(count));
                }
            }
            latencies.push((*peer, histogram));
        }
        Ok(latencies)
    }
}

/// Reads which peer has which slot.
fn learn_peers(peers: &HashMap<MapData, PeerKey, u32>, known: &mut Vec<Option<PeerKey>>) {
    for (key, slot) in peers.iter().filter_map(Result::ok) {
        let slot = slot as usize;
        if known.len() <= slot {
            known.resize(slot + 1, None);
        }
        known[slot] = Some(key);
    }
}

/// Where the unified cgroup hierarchy is mounted.
///
/// # Errors
/// Where it isn't, with a hint.
pub fn unified_hierarchy() -> Result<PathBuf> {
    let mounts =
        std::fs::read_to_string("/proc/self/mounts").context("reading /proc/self/mounts")?;
    mounts
        .lines()
        .filter_map(|line| {
            let mut fields = line.split(' ').skip(1);
            Some((fields.next()?, fields.next()?))
        })
        .find(|(_, kind)| *kind == "cgroup2")
        .map(|(path, _)| PathBuf::from(path))
        .ok_or_else(|| {
            anyhow!(
                "cgroup2: the unified hierarchy is not mounted here\nhint: mount it with \
                 `mount -t cgroup2 none /sys/fs/cgroup`; under `ip netns exec` it is hidden: use \
                 probe's own --netns, or `nsenter --net=`"
            )
        })
}

const SKB: [(&str, CgroupSkbAttachType); 2] = [
    (program::SKB_EGRESS, CgroupSkbAttachType::Egress),
    (program::SKB_INGRESS, CgroupSkbAttachType::Ingress),
];
const CONNECT: [&str; 2] = [program::CONNECT4, program::CONNECT6];

/// Has the verifier check every program, which takes its time.
fn load(ebpf: &mut Ebpf) -> Result<()> {
    for (name, _) in SKB {
        let skb: &mut CgroupSkb = named(ebpf, name)?.try_into()?;
        skb.load().with_context(|| format!("loading {name}"))?;
    }
    for name in CONNECT {
        let connect: &mut CgroupSockAddr = named(ebpf, name)?.try_into()?;
        connect.load().with_context(|| format!("loading {name}"))?;
    }
    let name = program::SOCK_OPS;
    let sock_ops: &mut SockOps = named(ebpf, name)?.try_into()?;
    sock_ops.load().with_context(|| format!("loading {name}"))
}

fn attach(ebpf: &mut Ebpf, cgroup: &File) -> Result<()> {
    // Links of their own beside those of others: no flag asks for that, see `bpf_link_create`.
    let mode = CgroupAttachMode::Single;
    for (name, way) in SKB {
        let skb: &mut CgroupSkb = named(ebpf, name)?.try_into()?;
        skb.attach(cgroup, way, mode)
            .with_context(|| format!("attaching {name}"))?;
    }
    for name in CONNECT {
        let connect: &mut CgroupSockAddr = named(ebpf, name)?.try_into()?;
        connect
            .attach(cgroup, mode)
            .with_context(|| format!("attaching {name}"))?;
    }
    let name = program::SOCK_OPS;
    let sock_ops: &mut SockOps = named(ebpf, name)?.try_into()?;
    sock_ops
        .attach(cgroup, mode)
        .with_context(|| format!("attaching {name}"))?;
    Ok(())
}

fn named<'a>(ebpf: &'a mut Ebpf, name: &str) -> Result<&'a mut aya::programs::Program> {
    ebpf.program_mut(name)
        .with_context(|| format!("{name} is not in the object"))
}

fn take(ebpf: &mut Ebpf, name: &str) -> Result<aya::maps::Map> {
    ebpf.take_map(name)
        .with_context(|| format!("{name} is not in the object"))
}
