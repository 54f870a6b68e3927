//! Turns a plan into the entries of the kernel's maps.

use std::{collections::BTreeMap, fmt, net::IpAddr};

use probe_common::{
    address::{Address, protocol},
    rule::{
        EndpointKey, FaultRule, MAX_LIMITS, MAX_RULES, MAX_RULES_PER_TARGET, MAX_SHAPES,
        MAX_TARGETS, Shape, Target, direction,
    },
};

use super::{Direction, Endpoint, Plan, Protocol, Rule};

/// Map entries of one plan.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Encoded {
    /// Shapes in use.
    pub shapes: Vec<Shape>,
    /// Rules by endpoint.
    pub targets: BTreeMap<EndpointKey, Target>,
    /// Rules, in the plan's order.
    pub rules: Vec<FaultRule>,
    /// How many of them are about connect().
    pub connect_rules: u32,
    /// Indices of those that limit connections.
    pub limits: Vec<u32>,
}

impl Encoded {
    /// Words of the filter before the targets that aren't zero.
    pub fn filter(&self) -> BTreeMap<u32, u64> {
        let mut words = BTreeMap::new();
        for bit in self.targets.keys().map(EndpointKey::filter_bit) {
            *words.entry(bit / 64).or_default() |= 1 << (bit % 64);
        }
        words
    }
}

/// Why a plan doesn't fit the maps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TooMuch {
    /// Rules.
    Rules(usize),
    /// Endpoints.
    Targets(usize),
    /// Kinds of endpoints.
    Shapes(usize),
    /// Rules on one endpoint.
    RulesOnTarget(String),
    /// Rules that limit connections.
    Limits(usize),
}

impl fmt::Display for TooMuch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rules(n) => write!(f, "plan: {n} faults, at most {MAX_RULES} fit"),
            Self::Targets(n) => write!(f, "plan: {n} endpoints, at most {MAX_TARGETS} fit"),
            Self::Shapes(n) => write!(
                f,
                "plan: endpoints of {n} kinds (prefix length, with or without port and protocol), \
                 at most {MAX_SHAPES} fit\nhint: write prefixes of one length, or all with a port"
            ),
            Self::RulesOnTarget(endpoint) => write!(
                f,
                "plan: more than {MAX_RULES_PER_TARGET} faults on {endpoint}\nhint: combine faults of one kind"
            ),
            Self::Limits(n) => write!(
                f,
                "plan: {n} faults limit connections, at most {MAX_LIMITS} fit"
            ),
        }
    }
}

impl std::error::Error for TooMuch {}

/// Encodes a plan.
///
/// # Errors
/// Where it has more of something than the maps hold.
pub fn encode(plan: &Plan) -> Result<Encoded, TooMuch> {
    if plan.rules.len() > MAX_RULES as usize {
        return Err(TooMuch::Rules(plan.rules.len()));
    }
    let mut encoded = Encoded::default();
    for (index, rule) in plan.rules.iter().enumerate() {
        encoded.rules.push(encode_rule(rule));
        encoded.connect_rules += u32::from(rule.fault.is_at_connect());
        if rule.fault.limit().is_some() {
            encoded.limits.push(index as u32);
        }
        // A rule that doesn't hold now only keeps its place.
        if rule.ends_ns == 0 {
            continue;
        }
        for endpoint in &rule.endpoints {
            let (shape, key) = encode_endpoint(endpoint, rule.protocol);
            if !encoded.shapes.contains(&shape) {
                encoded.shapes.push(shape);
            }
            let target = encoded.targets.entry(key).or_default();
            if !add_rule(target, index as u16) {
                return Err(TooMuch::RulesOnTarget(endpoint.to_string()));
            }
        }
    }
    if encoded.limits.len() > MAX_LIMITS {
        return Err(TooMuch::Limits(encoded.limits.len()));
    }
    match (encoded.shapes.len(), encoded.targets.len()) {
        (shapes, _) if shapes > MAX_SHAPES => Err(TooMuch::Shapes(shapes)),
        (_, targets) if targets > MAX_TARGETS as usize => Err(TooMuch::Targets(targets)),
        _ => Ok(encoded),
    }
}

/// Adds a rule to a target once; tells whether it is there.
fn add_rule(target: &mut Target, index: u16) -> bool {
    let count = target.count as usize;
    if target.rules[..count].contains(&index) {
        return true;
    }
    if count == MAX_RULES_PER_TARGET {
        return false;
    }
    target.rules[count] = index;
    target.count += 1;
    true
}

fn encode_rule(rule: &Rule) -> FaultRule {
    let mut encoded = FaultRule {
        direction: match rule.direction {
            _ if rule.fault.is_at_connect() => direction::CONNECT,
            // No packet's.
            _ if rule.fault.is_on_processes() => 0,
            Direction::Egress => direction::EGRESS,
            Direction::Ingress => direction::INGRESS,
            Direction::Both => direction::EGRESS | direction::INGRESS,
        },
        starts_ns: rule.starts_ns,
        deadline_ns: rule.ends_ns,
        seed: rule.seed,
        near: u32::from(rule.near),
        ..FaultRule::default()
    };
    rule.fault.encode(&mut encoded);
    rule.modifiers.encode(&mut encoded);
    encoded
}

/// An address as the kernel programs compare it.
pub(crate) fn address(address: IpAddr) -> Address {
    match address {
        IpAddr::V4(v4) => Address::from_v4(v4.octets()),
        IpAddr::V6(v6) => Address::from_v6(v6.octets()),
    }
}

/// The shape of an endpoint, and the key it is kept under.
pub(crate) fn encode_endpoint(endpoint: &Endpoint, transport: Protocol) -> (Shape, EndpointKey) {
    let bits = match endpoint.address {
        Some(IpAddr::V4(_)) => 96 + endpoint.prefix,
        Some(IpAddr::V6(_)) => endpoint.prefix,
        None => 0,
    };
    let address = endpoint.address.map(address).unwrap_or_default();
    let number = match transport {
        Protocol::Any => 0,
        Protocol::Tcp => protocol::TCP,
        Protocol::Udp => protocol::UDP,
    };
    let shape = Shape {
        address: mask(bits),
        port: if endpoint.port.is_some() { u16::MAX } else { 0 },
        protocol: if number == 0 { 0 } else { u8::MAX },
        pad: 0,
    };
    let key = EndpointKey {
        address,
        port: endpoint.port.unwrap_or(0),
        protocol: number,
        pad: 0,
    };
    (shape, shape.apply(&key))
}

/// The first `bits` of 128.
fn mask(bits: u8) -> Address {
    let bits = u128::MAX
        .checked_shl(128 - u32::from(bits.min(128)))
        .unwrap_or(0);
    Address {
        octets: bits.to_be_bytes(),
    }
}

#[cfg(test)]
mod tests;
