//! Turns entries of the kernel's maps back into what they say, for faults of other processes.

use probe_common::rule::{FaultRule, direction, fault};

use super::{CorruptMode, Direction, Fault, Share};

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
            let rule = Rule {
                name: String::new(),
                fault: asked,
                endpoints: Vec::new(),
                protocol: Protocol::Any,
                direction: Direction::Ingress,
                starts_ns: 0,
                ends_ns: 1,
                seed: 0,
            };
            let encoded = encode(&Plan { rules: vec![rule] }).unwrap();
            let read = fault(&encoded.rules[0]).unwrap();
            assert_eq!(read.to_string(), asked.to_string());
            assert_eq!(direction(&encoded.rules[0]), Direction::Ingress);
        }
    }
}
