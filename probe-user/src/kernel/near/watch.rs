//! Keeps the kernel programs told of the near side: a thread looks several times a second for
//! processes that started or ended, connections that were accepted, and sockets that changed
//! hands. What a process of the near side makes itself, the programs note at once.

use std::{
    collections::{BTreeSet, HashSet},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use anyhow::{Context, Result};
use aya::{
    Ebpf, Pod,
    maps::{HashMap, MapData},
};
use probe_common::{names::map, rule::NearPort};

use super::{
    super::{netns::Netns, sockets},
    find::{Finder, Found},
};
use crate::kernel::object;
use crate::plan::NearSide;

/// How often it is looked.
pub const LOOK: Duration = Duration::from_millis(250);

/// What the programs know of the near side.
#[derive(Debug)]
pub struct Maps {
    pids: HashMap<MapData, u32, u8>,
    sockets: HashMap<MapData, u64, u8>,
    connections: HashMap<MapData, u64, u8>,
    ports: HashMap<MapData, NearPort, u8>,
    /// What was written.
    known_pids: BTreeSet<u32>,
    known_ports: BTreeSet<NearPort>,
    /// Sockets of others that were made sure not to be known.
    cleared: HashSet<u64>,
}

impl Maps {
    /// Takes them out of the object.
    ///
    /// # Errors
    /// Where one isn't there.
    pub fn take(ebpf: &mut Ebpf) -> Result<Self> {
        Ok(Self {
            pids: hash(ebpf, map::NEAR_PIDS)?,
            sockets: hash(ebpf, map::NEAR_SOCKETS)?,
            connections: hash(ebpf, map::NEAR_CONNECTIONS)?,
            ports: hash(ebpf, map::NEAR_PORTS)?,
            known_pids: BTreeSet::new(),
            known_ports: BTreeSet::new(),
            cleared: HashSet::new(),
        })
    }

    fn write(&mut self, found: Found) -> Result<()> {
        for socket in &found.sockets {
            self.sockets
                .insert(socket.cookie, 1, 0)
                .context("noting a socket")?;
            if let Some(connection) = socket.connection() {
                self.connections
                    .insert(connection, 1, 0)
                    .context("noting a connection")?;
            }
        }
        for other in found.others.difference(&self.cleared) {
            // Most were never known.
            let _ = self.sockets.remove(other);
        }
        self.cleared = found.others;
        change(&mut self.pids, &mut self.known_pids, found.pids).context("noting processes")?;
        change(&mut self.ports, &mut self.known_ports, found.ports).context("noting ports")
    }
}

/// Makes a map hold what it should, and no more.
fn change<K: Pod + Ord>(
    map: &mut HashMap<MapData, K, u8>,
    known: &mut BTreeSet<K>,
    wanted: BTreeSet<K>,
) -> Result<()> {
    for gone in known.difference(&wanted) {
        map.remove(gone)?;
    }
    for fresh in wanted.difference(known) {
        map.insert(fresh, 1, 0)?;
    }
    *known = wanted;
    Ok(())
}

/// Looks until dropped.
#[derive(Debug)]
pub struct Watch {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// Looks for the first time, and goes on looking.
    ///
    /// # Errors
    /// Where the first look fails.
    pub fn start(netns: &Netns, near: NearSide, mut maps: Maps) -> Result<Self> {
        let netns = netns.try_clone()?;
        let mut finder = Finder::new(near);
        let first = netns.within(sockets::list_any)?;
        maps.write(finder.find(first))?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let look = move || {
            if let Err(error) = netns.enter() {
                log::warn!("near side: looking for its sockets: {error:#}");
                return;
            }
            let mut is_told = false;
            while !stopped.load(Ordering::Relaxed) {
                std::thread::park_timeout(LOOK);
                let looked = sockets::list_any().and_then(|all| maps.write(finder.find(all)));
                if let Err(error) = looked
                    && !std::mem::replace(&mut is_told, true)
                {
                    log::warn!("near side: looking for its sockets: {error:#}");
                }
            }
        };
        let thread = std::thread::Builder::new()
            .name("probe-near".into())
            .spawn(look)
            .context("starting the thread that looks for the near side's sockets")?;
        Ok(Self {
            stop,
            thread: Some(thread),
        })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            let _ = thread.join();
        }
    }
}

fn hash<K: Pod>(ebpf: &mut Ebpf, name: &str) -> Result<HashMap<MapData, K, u8>> {
    Ok(object::take_map(ebpf, name)?.try_into()?)
}
