//! Turns entries of the kernel's maps back into what they say, for faults of other processes;
//! the faults themselves are read by `fault.rs`.

use std::net::{IpAddr, Ipv6Addr};

use probe_common::rule::{EndpointKey, FaultRule, Shape, direction};

use super::{Direction, Endpoint};

/// The direction of a rule.
pub fn direction(rule: &FaultRule) -> Direction {
    match rule.direction {
        direction::EGRESS | direction::CONNECT => Direction::Egress,
        direction::INGRESS => Direction::Ingress,
        _ => Direction::Both,
    }
}

/// The endpoint that a key stands for, given the shapes in use; `None` where none of them fits.
pub fn endpoint(key: &EndpointKey, shapes: &[Shape]) -> Option<Endpoint> {
    let shape = shapes
        .iter()
        // No endpoint has port or protocol zero, so a zero there means that it is left out.
        .filter(|shape| (shape.port != 0) == (key.port != 0))
        .filter(|shape| (shape.protocol != 0) == (key.protocol != 0))
        .filter(|shape| shape.apply(key) == *key)
        // An address that ends in zeroes is more likely a network's than a host's.
        .min_by_key(|shape| bits(shape))?;
    let v6 = Ipv6Addr::from(key.address.octets);
    let (address, prefix) = match (bits(shape), v6.to_ipv4_mapped()) {
        (0, _) => (None, 0),
        (bits @ 96.., Some(v4)) => (Some(IpAddr::V4(v4)), bits - 96),
        (bits, _) => (Some(IpAddr::V6(v6)), bits),
    };
    Some(Endpoint {
        address,
        prefix,
        port: (key.port != 0).then_some(key.port),
    })
}

/// How many leading bits of an address a shape compares.
fn bits(shape: &Shape) -> u8 {
    u128::from_be_bytes(shape.address.octets).leading_ones() as u8
}

#[cfg(test)]
mod tests {
    use super::super::{Plan, Protocol, Rule, encode::encode};
    use super::*;
    use crate::fault::{Blackhole, Fault, Modifiers};

    fn rule(to: &[&str], protocol: Protocol) -> Rule {
        let specs = to
            .iter()
            .map(|text| text.parse::<crate::endpoint::EndpointSpec>().unwrap());
        Rule {
            name: String::new(),
            fault: Fault::Blackhole(Blackhole),
            modifiers: Modifiers::default(),
            endpoints: specs.flat_map(|spec| spec.resolved(&[])).collect(),
            protocol,
            direction: Direction::Ingress,
            starts_ns: 0,
            ends_ns: 1,
            seed: 0,
            near: false,
        }
    }

    #[test]
    fn endpoints_read_as_they_were_written() {
        let written = [
            "10.0.0.7:80",
            "10.0.0.0/8",
            "10.0.0.7",
            "[fd00::7]:80",
            "fd00::/64",
            ":5432",
        ];
        for protocol in [Protocol::Any, Protocol::Tcp] {
            let rule = rule(&written, protocol);
            let encoded = encode(&Plan {
                rules: vec![rule],
                ..Plan::default()
            })
            .unwrap();
            let mut read: Vec<_> = encoded
                .targets
                .keys()
                .map(|key| endpoint(key, &encoded.shapes).unwrap().to_string())
                .collect();
            let mut expected = written.map(str::to_owned).to_vec();
            expected[5] = "any address:5432".into();
            read.sort();
            expected.sort();
            assert_eq!(read, expected);
        }
    }
}
