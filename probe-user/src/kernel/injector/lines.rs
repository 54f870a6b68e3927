//! Where an injector's packets wait, and how they come back from there.

use anyhow::{Context, Result};
use aya::programs::TcAttachType;
use probe_common::{
    line::{queue_length, slots_per_cpu},
    names::{map, program},
};

use super::{
    super::{
        attach,
        delay_line::{Backend, DelayBackend, Lane, LaneMaps, LineStatistics, Slots, Userspace},
        host,
    },
    Injector, array,
};
use crate::kernel::object;

impl Injector {
    /// Lets waiting packets go now, until the next plan.
    pub fn let_go(&self) {
        self.lines.iter().for_each(|line| line.let_go());
    }

    /// What went through the delay lines, if there are any.
    pub fn line(&self) -> Option<LineStatistics> {
        if self.lines.is_empty() {
            return None;
        }
        let mut statistics = LineStatistics::default();
        for line in &self.lines {
            statistics.add(&line.statistics());
        }
        let totals = self.totals().unwrap_or_default();
        statistics.released += totals.left_lane;
        statistics.overflow += totals.no_slot;
        Some(statistics)
    }

    /// Takes a line's number, and starts the lines that are asked for.
    pub(super) fn start_lines(&mut self, backends: &[Backend]) -> Result<()> {
        let claimed = self.claim_line();
        if !backends.is_empty() {
            claimed?;
        }
        for backend in backends {
            match backend {
                Backend::Userspace => self.start_line()?,
                Backend::Fq => self.start_lane()?,
            }
        }
        Ok(())
    }

    /// Takes one of the host's few line numbers, and so the marks that come with it: also without a
    /// line of one's own, so that a packet which comes back from another's isn't met twice. The
    /// header that says so is in the kernel before anybody else looks.
    fn claim_line(&mut self) -> Result<()> {
        let _others_wait = host::line_lock()?;
        self.header.line = host::free_line()?;
        self.header.slots_per_cpu = slots_per_cpu(aya::util::nr_cpus().map_or(1, |n| n as u32));
        self.header.line_claimed = 1;
        let header = self.header;
        self.set(map::PLAN, header)
    }

    fn start_line(&mut self) -> Result<()> {
        let per_cpu = self.header.slots_per_cpu;
        let mut take = |name| object::take_map(self.ebpf_mut(), name);
        let slots = Slots::map(&take(map::LINE_SLOTS)?, &take(map::LINE_READ)?, per_cpu)?;
        let ways = array(self.ebpf_mut(), map::WAYS)?;
        let line = Userspace::start(&self.netns, queue_length(per_cpu), slots, ways)?;
        self.header.line_ifindex = line.ifindex();
        self.add_line(Box::new(line), program::TC_LINE)
    }

    fn start_lane(&mut self) -> Result<()> {
        let waits = object::take_map(self.ebpf_mut(), map::LANE_WAITS)?;
        let maps = LaneMaps {
            words: array(self.ebpf_mut(), map::LANE)?.into(),
            waits: waits.try_into()?,
        };
        let lane = Lane::make(&self.netns, Some(maps))?;
        self.header.lane_ifindex = lane.ifindex();
        let (far_netns, far_name) = lane.far_end();
        let ebpf = self.ebpf.as_mut().context("the programs are unloaded")?;
        far_netns.within(|| attach::attach_unseen(ebpf, program::TC_LANE_TURN, far_name))?;
        self.add_line(Box::new(lane), program::TC_LANE)
    }

    /// Has a program send on what leaves a line.
    fn add_line(&mut self, line: Box<dyn DelayBackend>, program: &str) -> Result<()> {
        let device = line.device_name().to_owned();
        log::info!("delayed packets wait behind {device}");
        self.attached.push((line.ifindex(), device.clone()));
        if let Some(release) = line.release() {
            self.lease.watch(self.kill_switch()?, release);
        }
        self.lines.push(line);
        let Self {
            netns,
            ledger,
            ebpf,
            ..
        } = self;
        let ebpf = ebpf.as_mut().context("the programs are unloaded")?;
        netns.within(|| attach::attach(ebpf, program, &device, TcAttachType::Ingress, ledger))
    }

    /// A packet that returns to `lo` has lost its route. It is looked up anew, and without these
    /// settings the look-up takes it for a forgery.
    pub(super) fn let_loopback_packets_return(&mut self) -> Result<()> {
        let Self { netns, ledger, .. } = self;
        netns.within(|| {
            for setting in ["accept_local", "route_localnet"] {
                ledger
                    .set(&format!("/proc/sys/net/ipv4/conf/lo/{setting}"), "1")
                    .context("letting packets return to lo")?;
            }
            Ok(())
        })
    }
}
