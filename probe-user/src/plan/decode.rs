//! Turns entries of the kernel's maps back into what they say, for faults of other processes.

use std::net::{IpAddr, Ipv6Addr};

use probe_common::rule::{EndpointKey, FaultRule, Shape, direction, fault};

use super::{CorruptMode, Direction, Endpoint, Fault, Share};

/// The fault of a rule; `None` where it is none that this version knows.
pub fn fault(rule: &FaultRule) -> Option<Fault> {
    Some(match rule.kind {
        fault::DELAY => Fault::Delay {
            delay_ns: rule.delay_ns,
            jitter_ns: rule.jitter_ns,
        },
        fault::LOSS => Fault::Loss(share(rule.probability)),
        fault::CORRUPT_WIRE => Fault::Corrupt(share(rule.probability), CorruptMode::Wire),
        fault::CORRUPT_PAYLOAD => Fault::Corrupt(share(rule.probability), CorruptMode::Payload),
        fault::BLACKHOLE => Fault::Blackhole,
        _ => return None,
    })
}

/// The direction of a rule.
pub fn direction(rule: &FaultRule) -> Direction {
    match rule.direction {
        direction::EGRESS => Direction::Egress,
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

fn share(parts: u32) -> Share {
    if parts == u32::MAX {
        return Share::ALL;
    }
    Share::new(f64::from(parts) / 4_294_967_296.0).unwrap_or(Share::ALL)
}

#[cfg(test)]
mod tests {
    use super::super::{Plan, Protocol, Rule, encode::encode};
    use super::*;

    fn rule(fault: Fault, to: &[&str], protocol: Protocol) -> Rule {
        let specs = to
            .iter()
            .map(|text| text.parse::<crate::endpoint::EndpointSpec>().unwrap());
        Rule {
            name: String::new(),
            fault,
            endpoints: specs.flat_map(|spec| spec.resolved(&[])).collect(),
            protocol,
            direction: Direction::Ingress,
            starts_ns: 0,
            ends_ns: 1,
            seed: 0,
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
            let rule = rule(Fault::Blackhole, &written, protocol);
            let encoded = encode(&Plan { rules: vec![rule] }).unwrap();
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

    #[test]
    fn what_was_encoded_reads_the_same() {
        let ten = Share::new(0.1).unwrap();
        for asked in [
            Fault::Delay {
                delay_ns: 5,
                jitter_ns: 2,
            },
            Fault::Loss(ten),
            Fault::Loss(Share::ALL),
            Fault::Corrupt(ten, CorruptMode::Wire),
            Fault::Corrupt(ten, CorruptMode::Payload),
            Fault::Blackhole,
        ] {
            let rule = rule(asked, &[], Protocol::Any);
            let encoded = encode(&Plan { rules: vec![rule] }).unwrap();
            let read = fault(&encoded.rules[0]).unwrap();
            assert_eq!(read.to_string(), asked.to_string());
            assert_eq!(direction(&encoded.rules[0]), Direction::Ingress);
        }
    }
}
