//! The injector's program with its maps filled as probe fills them, attached to nothing.

use std::os::fd::AsFd;

use anyhow::{Context, Result};
use aya::{
    Ebpf, EbpfLoader, Pod, include_bytes_aligned,
    maps::{Array, HashMap},
    programs::SchedClassifier,
};
use probe_common::{
    address::{Address, protocol},
    names::{map, program},
    rule::{EndpointKey, FaultRule, PlanHeader, Shape, Target, direction},
};
use tests::test_run::Program;

static OBJECT: &[u8] = include_bytes_aligned!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../probe-user/bpf/probe.bpf.o"
));

/// Maps that the injector doesn't use, as small as the kernel allows.
const UNUSED: [(&str, u32); 5] = [
    (map::FLOWS, 1_024),
    (map::PEERS, 1),
    (map::PEER_COUNTERS, 1),
    (map::LATENCY, 1),
    (map::EVENTS, 4_096),
];

/// The far end's address, IPv4 and IPv6, and port.
const FAR_V4: [u8; 4] = [10, 88, 0, 2];
const FAR_V6: [u8; 16] = [0xfd, 0x88, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2];
const PORT: u16 = 9_000;
/// Payload bytes of the packets.
const PAYLOAD: usize = 100;

/// A packet that programs are run over.
#[derive(Clone, Copy, Debug)]
pub(super) enum Packet {
    V4,
    V6,
}

impl Packet {
    /// The packet, from its Ethernet header on; its checksums are of no interest.
    pub(super) fn bytes(self) -> Vec<u8> {
        let mut bytes = vec![2; 12];
        let udp_length = (8 + PAYLOAD) as u16;
        match self {
            Self::V4 => {
                bytes.extend([0x08, 0x00, 0x45, 0]);
                bytes.extend((20 + udp_length).to_be_bytes());
                bytes.extend([0, 0, 0x40, 0, 64, protocol::UDP, 0, 0]);
                bytes.extend([10, 88, 0, 1]);
                bytes.extend(FAR_V4);
            }
            Self::V6 => {
                bytes.extend([0x86, 0xdd, 0x60, 0, 0, 0]);
                bytes.extend(udp_length.to_be_bytes());
                bytes.extend([protocol::UDP, 64]);
                bytes.extend([0xfd, 0x88, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
                bytes.extend(FAR_V6);
            }
        }
        bytes.extend(5_000u16.to_be_bytes());
        bytes.extend(PORT.to_be_bytes());
        bytes.extend(udp_length.to_be_bytes());
        bytes.extend([0x12, 0x34]);
        bytes.extend((0..PAYLOAD).map(|at| at as u8));
        bytes
    }
}

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
            delay_ns: 10_000_000,
            seed: 1,
            ..FaultRule::default()
        };
        armed.set(map::RULES, index as u32, rule)?;
    }
    for number in 0..targets as u32 {
        armed.aim(far_side(number), rules.len())?;
    }
    let mut header = PlanHeader {
        rule_count: rules.len() as u32,
        shape_count: u32::from(targets > 0),
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
