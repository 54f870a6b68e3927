//! The observer: cgroup programs at the root of the unified hierarchy, which see every socket of
//! the host in every network namespace, and the maps they report through.

mod events;
mod ring;
mod slots;
mod trays;

use std::{
    fs::File,
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow};
use aya::{
    Ebpf,
    maps::{HashMap, PerCpuArray},
    programs::{
        CgroupAttachMode, CgroupSkb, CgroupSkbAttachType, CgroupSock, CgroupSockAddr, Program,
        SockOps,
    },
};
use probe_common::{
    counters::ObserverCounters,
    event::Event,
    flow::{Flow, PeerKey},
    gauge::Gauge,
    names::{map, program},
};

pub(super) use self::trays::layout as tray_layout;
use self::{events::Events, slots::Slots};
use super::{
    clock,
    found::{self, Met},
    log::KernelLog,
    object::{self, Half},
};
use crate::model::{self, Accounts, Counted, Flows};

/// How long programs that are no longer attached may take to come to their end.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// A running observer; dropped, its programs go.
pub struct Observer {
    events: Events,
    slots: Slots,
    delivered: u64,
    /// Connections that were there before: how many, and their ends until they are taken.
    found: u64,
    met: Vec<Met>,
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
        // The verifier takes its time.
        for name in program::OBSERVER {
            object::load_program(&mut ebpf, name)?;
        }
        let mut slots = Slots::new(&mut ebpf)?;
        let mut met = found::write(&mut ebpf, |peer| slots.lend(peer, clock::now_ns()))?;
        found::write_askers(&mut ebpf)?;
        attach(&mut ebpf, &cgroup)?;
        let found = met.len();
        let (late, added) = found::write_late(&mut ebpf, |peer| slots.lend(peer, clock::now_ns()))?;
        met.extend(late);
        let found = found + added;
        log::info!("{found} connections were there already");
        let log = KernelLog::follow(&mut ebpf);
        Ok(Self {
            events: Events::take(&mut ebpf)?,
            slots,
            delivered: 0,
            found: found as u64,
            met,
            ebpf,
            _log: log,
        })
    }

    /// Hands over the events that came since the last time, with the peer each is about. `receive`
    /// tells whether it wants to hear of that peer at all: where it doesn't, the programs look at
    /// its connections no longer, which spares most of what they cost.
    pub fn poll(&mut self, mut receive: impl FnMut(&Event, Option<&PeerKey>) -> bool) {
        let Self {
            events,
            slots,
            delivered,
            ..
        } = self;
        events.each(|bytes| {
            *delivered += 1;
            let Some(event) = Event::decode(bytes) else {
                return;
            };
            let header = event.header();
            let peer = slots.peer(header.peer, header.at_ns);
            let wanted = receive(&event, peer.as_ref());
            if let Err(error) = slots.want(header.peer, wanted) {
                log::warn!("{peer:?} is still looked at, or still isn't: {error:#}");
            }
        });
    }

    /// The ends of the connections that were there before; once.
    pub fn take_met(&mut self) -> Vec<Met> {
        std::mem::take(&mut self.met)
    }

    /// Process ids of those who are known to have connections.
    pub fn callers(&self) -> Vec<u32> {
        let peers = self.slots.gauges().into_iter();
        peers
            .map(|(peer, _)| peer.pid)
            .filter(|pid| *pid != 0)
            .collect()
    }

    /// Takes back the slots of peers that are gone or, where slots are short, idle; `fold` is
    /// given what each of those had counted.
    ///
    /// # Errors
    /// Where the kernel's maps can't be read or written.
    pub fn recycle(&mut self, fold: impl FnMut(&PeerKey, &Counted)) -> Result<()> {
        self.slots.recycle(clock::now_ns(), fold)
    }

    /// What every peer has counted that has a slot now: complete even where events were lost.
    ///
    /// # Errors
    /// Where the maps can't be read.
    pub fn counted(&mut self) -> Result<Vec<(PeerKey, Counted)>> {
        self.slots.counted(clock::now_ns())
    }

    /// Takes the programs away and hands over what they had still told: from then on what was
    /// produced is what was delivered and what was lost.
    ///
    /// # Errors
    /// Where a program can't be taken away, or the counters can't be read.
    pub fn end(&mut self, mut receive: impl FnMut(&Event, Option<&PeerKey>) -> bool) -> Result<()> {
        for name in program::OBSERVER {
            detach(object::named(&mut self.ebpf, name)?)
                .with_context(|| format!("detaching {name}"))?;
        }
        await_programs();
        // Where that can't be waited for, one may still be running on another CPU, between counting
        // an event and telling it.
        let mut until = Instant::now() + LAST_WORDS;
        let mut before = None;
        loop {
            let delivered = self.delivered;
            self.poll(&mut receive);
            if self.delivered > delivered {
                // Much may have been left to hand over.
                until = Instant::now() + LAST_WORDS;
            }
            let counters = self.counters()?;
            let complete = counters.produced == self.delivered + counters.lost;
            // Twice: what runs still may not have counted yet.
            if complete && before == Some(counters.produced) || Instant::now() >= until {
                return Ok(());
            }
            before = complete.then_some(counters.produced);
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// The books, apart from what user space forgot. Connections that are present aren't
    /// counted here: that takes a while.
    ///
    /// # Errors
    /// Where the map can't be read.
    pub fn accounts(&self) -> Result<Accounts> {
        let counters = self.counters()?;
        Ok(Accounts {
            events: model::Events {
                produced: counters.produced,
                delivered: self.delivered,
                lost: counters.lost,
            },
            flows: Flows {
                created: counters.flows_created + self.found,
                closed: counters.flows_closed,
                present: 0,
            },
            slots_returned: self.slots.returned,
            unplaced: counters.peers_full,
            ..Accounts::default()
        })
    }

    /// How many connections are followed now.
    ///
    /// # Errors
    /// Where the map can't be read.
    pub fn flows_present(&self) -> Result<u64> {
        let map = self
            .ebpf
            .map(map::FLOWS)
            .context("no flows in the object")?;
        let flows = HashMap::<_, u64, Flow>::try_from(map)?;
        Ok(flows.keys().filter_map(Result::ok).count() as u64)
    }

    fn counters(&self) -> Result<ObserverCounters> {
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
        self.slots.gauges()
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

/// Waits until no program runs any more that was running when this was called. In vain where the
/// kernel won't do it: with processors that are left alone (nohz_full).
fn await_programs() {
    /// Waits for every reader of data under RCU, as every program is one.
    const MEMBARRIER_CMD_GLOBAL: libc::c_int = 1;
    // SAFETY: a system call without pointers.
    let waited = unsafe { libc::syscall(libc::SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) };
    if waited != 0 {
        log::debug!("membarrier: {}", std::io::Error::last_os_error());
    }
}

const SKB: [(&str, CgroupSkbAttachType); 2] = [
    (program::SKB_EGRESS, CgroupSkbAttachType::Egress),
    (program::SKB_INGRESS, CgroupSkbAttachType::Ingress),
];
const ADDRESS: [&str; 4] = [
    program::CONNECT4,
    program::CONNECT6,
    program::SENDMSG4,
    program::SENDMSG6,
];
const SOCKET: [&str; 2] = [program::SOCK_CREATE_OBSERVE, program::SOCK_RELEASE_OBSERVE];

fn attach(ebpf: &mut Ebpf, cgroup: &File) -> Result<()> {
    // Links of their own beside those of others: no flag asks for that, see `bpf_link_create`.
    let mode = CgroupAttachMode::Single;
    for (name, way) in SKB {
        let skb: &mut CgroupSkb = object::named(ebpf, name)?.try_into()?;
        skb.attach(cgroup, way, mode)
            .with_context(|| format!("attaching {name}"))?;
    }
    for name in SOCKET {
        let socket: &mut CgroupSock = object::named(ebpf, name)?.try_into()?;
        socket
            .attach(cgroup, mode)
            .with_context(|| format!("attaching {name}"))?;
    }
    let name = program::SOCK_OPS;
    let sock_ops: &mut SockOps = object::named(ebpf, name)?.try_into()?;
    sock_ops
        .attach(cgroup, mode)
        .with_context(|| format!("attaching {name}"))?;
    // Last: whoever is seen to connect is seen to be connected.
    for name in ADDRESS {
        let connect: &mut CgroupSockAddr = object::named(ebpf, name)?.try_into()?;
        connect
            .attach(cgroup, mode)
            .with_context(|| format!("attaching {name}"))?;
    }
    Ok(())
}

fn detach(program: &mut Program) -> Result<()> {
    match program {
        Program::CgroupSkb(it) => it.unload()?,
        Program::CgroupSock(it) => it.unload()?,
        Program::CgroupSockAddr(it) => it.unload()?,
        Program::SockOps(it) => it.unload()?,
        other => anyhow::bail!(
            "it is no program of the observer's: {:?}",
            other.prog_type()
        ),
    }
    Ok(())
}
