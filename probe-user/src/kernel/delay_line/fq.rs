//! The delay line inside the kernel: a veth pair whose near end has the fq qdisc, which lets a
//! packet go when its departure time has come.
//!
//! The near end is in the namespace that is injected into; a TC program gives packets their
//! departure times and redirects them there. The far end is in a namespace without a name that
//! only this process holds, by a file descriptor: when the process dies, however it dies, the
//! kernel takes that namespace away, with it the far end, and so the near one.

mod pair;
mod qdisc;

use std::{
    fmt,
    sync::{Mutex, PoisonError},
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use aya::{
    maps::{Array, MapData, PerCpuArray},
    util::KernelVersion,
};
use probe_common::{
    histogram::{BUCKETS, Buckets},
    lane::{HOP_NS, wait, word},
};

use super::{DelayBackend, LineStatistics, Waits};
use crate::{
    kernel::{interfaces, netns::Netns},
    model::Histogram,
};

/// What the host needs for it, in words.
pub const NEEDS: &str = "fq needs Linux 5.18 and the modules sch_fq and veth";

/// How long waiting packets get to leave before the lane is taken away: they come to where they
/// are let go within one hop.
const DRAIN: Duration = Duration::from_nanos(4 * HOP_NS);

/// What the lane shares with the TC programs.
pub struct Maps {
    /// Its few words.
    pub words: Mutex<Array<MapData, u64>>,
    /// How long packets waited.
    pub waits: PerCpuArray<MapData, Buckets>,
}

impl fmt::Debug for Maps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Maps")
    }
}

/// A lane of one network namespace; gone when dropped.
#[derive(Debug)]
pub struct Lane {
    netns: Netns,
    far_netns: Netns,
    near: pair::End,
    far: pair::End,
    maps: Option<Maps>,
}

impl Lane {
    /// Makes the pair, with fq on its near end.
    ///
    /// # Errors
    /// Where the kernel has no veth, no fq, or refuses.
    pub fn make(netns: &Netns, maps: Option<Maps>) -> Result<Self> {
        let far_netns = Netns::anonymous()?;
        let (near, far) = pair::make(netns, &far_netns)?;
        // From here on it is taken away again by being dropped.
        let lane = Self {
            netns: netns.try_clone()?,
            far_netns,
            near,
            far,
            maps,
        };
        lane.netns.within(|| qdisc::add(lane.near.index))?;
        Ok(lane)
    }

    /// The namespace of the far end, and its name there.
    pub fn far_end(&self) -> (&Netns, &str) {
        (&self.far_netns, &self.far.name)
    }

    fn set_let_go(&self, value: u64) {
        let Some(maps) = &self.maps else {
            return;
        };
        let mut words = maps.words.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = words.set(word::LET_GO, value, 0) {
            log::warn!("delay lane: letting packets go: {error:#}");
        }
    }

    fn read(&self, maps: &Maps) -> Result<LineStatistics> {
        let histogram = |of: u32| -> Result<Histogram> {
            let mut sum = Histogram::default();
            for cpu in maps.waits.get(&of, 0)?.iter() {
                for bucket in 0..BUCKETS {
                    sum.record_bucket(bucket, cpu.counts[bucket].into());
                }
            }
            Ok(sum)
        };
        let waits = Waits {
            requested: histogram(wait::REQUESTED)?,
            measured: histogram(wait::MEASURED)?,
            lateness: histogram(wait::LATENESS)?,
        };
        let overflow = self.netns.within(|| {
            let queue = qdisc::read(self.near.index)?;
            let device = interfaces::named(&self.near.name)?;
            Ok(u64::from(queue.drops) + device.dropped)
        })?;
        Ok(LineStatistics {
            overflow,
            waits,
            ..LineStatistics::default()
        })
    }

    /// Waits until nothing waits any more, or for as long as that may take.
    fn drain(&self) {
        let until = Instant::now() + DRAIN;
        loop {
            match self.netns.within(|| qdisc::read(self.near.index)) {
                Ok(queue) if queue.waiting == 0 => return,
                Ok(queue) if Instant::now() >= until => {
                    log::warn!("delay lane: {} packets are lost with it", queue.waiting);
                    return;
                }
                Ok(_) => sleep(Duration::from_millis(2)),
                // It is gone already, with its namespace.
                Err(_) => return,
            }
        }
    }
}

impl DelayBackend for Lane {
    fn ifindex(&self) -> u32 {
        self.near.index
    }

    fn device_name(&self) -> &str {
        &self.near.name
    }

    fn let_go(&self) {
        self.set_let_go(1);
    }

    fn hold(&self) {
        self.set_let_go(0);
    }

    /// What fq dropped, or the far end had no room for, is overflow.
    fn statistics(&self) -> LineStatistics {
        let read = self.maps.as_ref().map(|maps| self.read(maps));
        read.transpose()
            .unwrap_or_else(|error| {
                log::debug!("delay lane: reading its statistics: {error:#}");
                None
            })
            .unwrap_or_default()
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        if self.maps.is_some() {
            self.let_go();
            self.drain();
        }
        let removed = self.netns.within(|| pair::remove(self.near.index));
        if let Err(error) = removed {
            // Most likely it is gone with its namespace.
            log::debug!("delay lane: removing it: {error:#}");
        }
    }
}

/// Whether the kernel has the helper that sets departure times.
pub fn kernel_has_departure_times() -> bool {
    KernelVersion::current().is_ok_and(|it| it >= KernelVersion::new(5, 18, 0))
}

/// Tells whether this host can have a lane, by making one between two namespaces of nobody's.
///
/// # Errors
/// With what is missing.
pub fn usable() -> Result<()> {
    if !kernel_has_departure_times() {
        bail!("this kernel has no departure times for packets\nhint: {NEEDS}");
    }
    let netns = Netns::anonymous()?;
    match Lane::make(&netns, None) {
        Ok(_taken_away_again) => Ok(()),
        Err(error) => bail!("delay backend fq: {error:#}\nhint: {NEEDS}"),
    }
}
