//! The injector's program with its maps filled as probe fills them, attached to nothing.

use std::os::fd::AsFd;

use anyhow::{Context, Result};
use aya::{
    Ebpf, EbpfLoader, Pod, include_bytes_aligned,
    maps::{Array, HashMap},
    programs::SchedClassifier,
};
use probe_common::{
    address::Address,
    names::{map, program},
    rule::{EndpointKey, FILTER_BITS, FaultRule, PlanHeader, Shape, Target, direction, fault},
};
use tests::test_run::Program;

use super::packet::{FAR_V4, PORT};

static OBJECT: &[u8] = include_bytes_aligned!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../probe-user/bpf/probe.bpf.o"
));

/// Maps that the injector doesn't use, as small as the kernel allows.
const UNUSED: [(&str, u32); 6] = [
    (map::FLOWS, 1_024),
    (map::PEERS, 1),
    (map::PEER_COUNTERS, 1),
    (map::LATENCY, 1),
    (map::TRAYS, 1),
    (map::EVENTS, 4_096),
];

/// A DNS response code.
const NXDOMAIN: u32 = 3;

/// A loaded injector.
#[derive(Debug)]
pub(super) struct Armed {
    ebpf: Ebpf,
}

/// Loads an injector with `targets` endpoints, the far end among them, that all lead to the
/// rules: kinds and probabilities.
///
/// # Errors
/// Where the kernel refuses.
pub(super) fn armed(rules: &[(u32, u32)], targets: usize) -> Result<Armed> {
    let mut loader = EbpfLoader::new();
    for (name, entries) in UNUSED {
        loader.map_max_entries(name, entries);
    }
    let mut armed = Armed {
        ebpf: loader.load(OBJECT).context("loading the object")?,
    };
    armed.classifier()?.load()?;
    armed.set(map::LEASE, 0, u64::MAX)?;
    for (index, &(kind, probability)) in rules.iter().enumerate() {
        let rule = FaultRule {
            kind,
            direction: direction::EGRESS,
            deadline_ns: u64::MAX,
            probability,
            flow_share: u32::MAX,
            delay_ns: 10_000_000,
            // A bucket that is never empty.
            byte_cost: 1,
            burst_ns: u64::MAX / 4,
            // In and out of bursts, in which nothing is lost.
            bursts: [1 << 30, 1 << 31, 0, 0],
            status: if kind == fault::DNS { NXDOMAIN } else { 503 },
            seed: 1,
            ..FaultRule::default()
        };
        armed.set(map::RULES, index as u32, rule)?;
    }
    let sides: Vec<_> = (0..targets as u32).map(far_side).collect();
    for &side in &sides {
        armed.aim(side, rules.len())?;
    }
    armed.write_filter(&sides)?;
    let mut header = PlanHeader {
        rule_count: rules.len() as u32,
        shape_count: u32::from(targets > 0),
        // Copies are known by their mark. A packet that is run over again and again must have none.
        line_claimed: u32::from(rules.iter().any(|(kind, _)| copies(*kind))),
        // Redirecting there is never carried out.
        line_ifindex: 1,
        ..PlanHeader::default()
    };
    header.shapes[0] = Shape {
        address: Address { octets: [0xff; 16] },
        port: u16::MAX,
        ..Shape::default()
    };
    armed.set(map::PLAN, 0, header)?;
    Ok(armed)
}

/// Whether a fault sends copies.
fn copies(kind: u32) -> bool {
    matches!(kind, fault::DUPLICATE | fault::RESET)
}

/// The packets' far side, and others beside it.
fn far_side(number: u32) -> EndpointKey {
    let [a, b, c, d] = FAR_V4;
    let address = u32::from_be_bytes([a, b, c, d]) + number;
    EndpointKey {
        address: Address::from_v4(address.to_be_bytes()),
        port: PORT,
        ..EndpointKey::default()
    }
}

impl Armed {
    /// The same with the packets' own far side taken out, and one more put in.
    ///
    /// # Panics
    /// If the map can't be written, which it just was.
    pub(super) fn aimed_elsewhere(mut self) -> Self {
        let targets = self.ebpf.map_mut(map::TARGETS).expect("a map of targets");
        let mut targets: HashMap<_, EndpointKey, Target> =
            targets.try_into().expect("a hash of targets");
        let target = targets.get(&far_side(0), 0).expect("the far side");
        targets.remove(&far_side(0)).expect("a target that goes");
        let elsewhere = targets.insert(far_side(1 << 20), target, 0);
        elsewhere.expect("a target in its place");
        let known = targets.keys().filter_map(Result::ok).collect::<Vec<_>>();
        self.write_filter(&known).expect("a filter that is written");
        self
    }

    /// The program that packets leave by.
    ///
    /// # Errors
    /// Where its descriptor can't be copied.
    pub(super) fn program(&self) -> Result<Program> {
        let program = self.ebpf.program(program::TC_EGRESS);
        let program: &SchedClassifier = program.context("no program")?.try_into()?;
        Ok(Program::of(program.fd()?.as_fd().try_clone_to_owned()?))
    }

    fn write_filter(&mut self, sides: &[EndpointKey]) -> Result<()> {
        let mut words = vec![0u64; FILTER_BITS as usize / 64];
        for bit in sides.iter().map(|side| side.filter_bit() as usize) {
            words[bit / 64] |= 1 << (bit % 64);
        }
        let mut words = words.into_iter().enumerate();
        words.try_for_each(|(index, word)| self.set(map::FILTER, index as u32, word))
    }

    fn classifier(&mut self) -> Result<&mut SchedClassifier> {
        let program = self.ebpf.program_mut(program::TC_EGRESS);
        Ok(program.context("no program")?.try_into()?)
    }

    fn aim(&mut self, at: EndpointKey, rules: usize) -> Result<()> {
        let mut target = Target {
            count: rules as u32,
            ..Target::default()
        };
        for (place, rule) in target.rules.iter_mut().enumerate().take(rules) {
            *rule = place as u16;
        }
        let targets = self.ebpf.map_mut(map::TARGETS).context("no targets")?;
        let mut targets: HashMap<_, EndpointKey, Target> = targets.try_into()?;
        Ok(targets.insert(at, target, 0)?)
    }

    fn set<V: Pod>(&mut self, name: &str, index: u32, value: V) -> Result<()> {
        let values = self.ebpf.map_mut(name).context("no such map")?;
        let mut values: Array<_, V> = values.try_into()?;
        Ok(values.set(index, value, 0)?)
    }
}
