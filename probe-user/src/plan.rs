//! What is to be injected: validated once, here, whoever asks for it.
//!
//! A [`Plan`] is the only way faults reach the kernel. `plan/encode.rs` turns it into map
//! entries.

use std::fmt;
use std::net::IpAddr;

use crate::fault::{Fault, Modifiers, Only};

pub mod breadth;
pub mod decode;
pub mod encode;
pub mod jitter;
pub mod near;

pub use near::NearSide;

/// A share of packets.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Share(f64);

impl Share {
    /// All of them.
    pub const ALL: Self = Self(1.0);
    /// None of them.
    pub const NONE: Self = Self(0.0);

    /// A share from 0 to 1; `None` outside of it.
    pub fn new(share: f64) -> Option<Self> {
        (0.0..=1.0).contains(&share).then_some(Self(share))
    }

    /// The share that so many parts of 2³² are, where `u32::MAX` is certainty.
    pub fn from_parts(parts: u32) -> Self {
        match parts {
            u32::MAX => Self::ALL,
            parts => Self(f64::from(parts) / 4_294_967_296.0),
        }
    }

    /// The share, 0 to 1.
    pub fn value(self) -> f64 {
        self.0
    }

    /// In parts of 2³², where `u32::MAX` is certainty.
    pub fn parts(self) -> u32 {
        if self.0 >= 1.0 {
            u32::MAX
        } else {
            (self.0 * 4_294_967_296.0).min(4_294_967_294.0) as u32
        }
    }
}

/// Which way a packet goes, seen from the near side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Towards the endpoint.
    Egress,
    /// From the endpoint.
    Ingress,
    /// Both.
    Both,
}

impl Direction {
    /// Its name, as typed.
    pub fn name(self) -> &'static str {
        match self {
            Self::Egress => "egress",
            Self::Ingress => "ingress",
            Self::Both => "both",
        }
    }
}

/// Which transport protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Whichever.
    Any,
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

/// A far side, resolved to addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// Address, or the first of a network; `None` for any address of either family.
    pub address: Option<IpAddr>,
    /// How many leading bits count: 32 or 128 for one address.
    pub prefix: u8,
    /// Port; `None` for any.
    pub port: Option<u16>,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address {
            None => f.write_str("any address")?,
            Some(address) if usize::from(self.prefix) == address_bits(address) => match address {
                IpAddr::V6(v6) if self.port.is_some() => write!(f, "[{v6}]")?,
                address => address.fmt(f)?,
            },
            Some(address) => write!(f, "{address}/{}", self.prefix)?,
        }
        match self.port {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

fn address_bits(address: IpAddr) -> usize {
    if address.is_ipv4() { 32 } else { 128 }
}

/// One fault on one set of endpoints, for a time.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// What it is called on screen and in reports: the dependency, or what was typed.
    pub name: String,
    /// What happens.
    pub fault: Fault,
    /// When it is how large, and how much of the traffic it may touch.
    pub modifiers: Modifiers,
    /// To packets to and from where.
    pub endpoints: Vec<Endpoint>,
    /// Of which protocol.
    pub protocol: Protocol,
    /// In which direction.
    pub direction: Direction,
    /// From when, on CLOCK_MONOTONIC.
    pub starts_ns: u64,
    /// Until when, on CLOCK_MONOTONIC.
    pub ends_ns: u64,
    /// Seed of its decisions.
    pub seed: u64,
    /// Whether it holds for the plan's near side alone.
    pub near: bool,
}

/// All faults that hold in one network namespace.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// The rules; a rule's place here is its index in counters.
    pub rules: Vec<Rule>,
    /// Whose traffic the rules are for that hold for the near side alone.
    pub near: NearSide,
    /// Whether endpoints came of names, so that DNS answers are listened to.
    pub has_names: bool,
}

impl Plan {
    /// Whether any rule makes packets wait.
    pub fn waits(&self) -> bool {
        self.rules.iter().any(|rule| rule.fault.waits())
    }

    /// Whether any rule needs the line for what is done there in user space, besides waiting.
    pub fn needs_userspace_line(&self) -> bool {
        let mut faults = self.rules.iter().map(|rule| rule.fault);
        faults.any(|fault| fault.needs_line() && !fault.waits())
    }

    /// Whether any rule is about connect(), rather than packets.
    pub fn has_attempts(&self) -> bool {
        self.rules.iter().any(|rule| rule.fault.is_at_connect())
    }

    /// Whether any rule acts on the near side's processes.
    pub fn has_processes(&self) -> bool {
        self.rules.iter().any(|rule| rule.fault.is_on_processes())
    }

    /// Whether it has to be told whose packets and connections are the near side's.
    pub fn aims(&self) -> bool {
        let on_packets = |rule: &Rule| !rule.fault.is_on_processes();
        self.near.is_somebody() && self.rules.iter().any(on_packets)
    }

    /// Whether any rule counts connections.
    pub fn has_limits(&self) -> bool {
        self.rules.iter().any(|rule| rule.fault.limit().is_some())
    }

    /// Whether any rule asks for the age of connections.
    pub fn has_ages(&self) -> bool {
        self.rules
            .iter()
            .any(|rule| rule.modifiers.only != Only::All)
    }

    /// Whether any rule sends packets back to who sent them.
    pub fn turns_back(&self) -> bool {
        self.rules.iter().any(|rule| rule.fault.turns_back())
    }
}
