//! Plans and the entries they give.

use super::*;
use crate::fault::{Blackhole, Fault, Modifiers};
use crate::plan::Share;

const BLACKHOLE: Fault = Fault::Blackhole(Blackhole);

fn rule(fault: Fault, endpoints: &[(&str, u8, Option<u16>)]) -> Rule {
    Rule {
        name: "payments".into(),
        fault,
        modifiers: Modifiers::default(),
        endpoints: endpoints
            .iter()
            .map(|&(address, prefix, port)| Endpoint {
                address: (!address.is_empty()).then(|| address.parse().unwrap()),
                prefix,
                port,
            })
            .collect(),
        protocol: Protocol::Any,
        direction: Direction::Egress,
        starts_ns: 5,
        ends_ns: 10,
        seed: 1,
        near: false,
    }
}

#[test]
fn endpoints_of_one_kind_share_a_shape() {
    let plan = Plan {
        rules: vec![rule(
            BLACKHOLE,
            &[
                ("10.0.0.7", 32, Some(80)),
                ("10.0.0.8", 32, Some(81)),
                ("fd00::1", 128, Some(80)),
            ],
        )],
        ..Plan::default()
    };
    let encoded = encode(&plan).unwrap();
    assert_eq!(encoded.shapes.len(), 1);
    assert_eq!(encoded.targets.len(), 3);
}

#[test]
fn a_packet_finds_its_rules_under_every_shape_it_falls_under() {
    let plan = Plan {
        rules: vec![
            rule(BLACKHOLE, &[("10.1.0.0", 16, None)]),
            rule(BLACKHOLE, &[("10.1.2.3", 32, Some(80))]),
            rule(BLACKHOLE, &[("", 0, None)]),
        ],
        ..Plan::default()
    };
    let encoded = encode(&plan).unwrap();
    let rules_of = |address: [u8; 4], port| {
        let key = EndpointKey {
            address: Address::from_v4(address),
            port,
            protocol: 6,
            pad: 0,
        };
        let targets = encoded
            .shapes
            .iter()
            .filter_map(|s| encoded.targets.get(&s.apply(&key)));
        targets.map(|t| t.rules[0]).collect::<Vec<_>>()
    };
    assert_eq!(rules_of([10, 1, 2, 3], 80), [0, 1, 2]);
    assert_eq!(rules_of([10, 1, 2, 3], 81), [0, 2]);
    assert_eq!(rules_of([10, 2, 2, 3], 80), [2]);
}

#[test]
fn several_faults_on_one_endpoint_stay_in_order_and_in_bounds() {
    let endpoint = [("10.0.0.7", 32, None)];
    let rules = |n| Plan {
        rules: vec![rule(BLACKHOLE, &endpoint); n],
        ..Plan::default()
    };
    let encoded = encode(&rules(8)).unwrap();
    let target = encoded.targets.values().next().unwrap();
    assert_eq!((target.count, target.rules), (8, [0, 1, 2, 3, 4, 5, 6, 7]));
    assert!(matches!(encode(&rules(9)), Err(TooMuch::RulesOnTarget(_))));
}

#[test]
fn more_kinds_than_fit_are_refused() {
    let endpoints: Vec<_> = (8..=16).map(|prefix| ("10.0.0.0", prefix, None)).collect();
    let plan = Plan {
        rules: vec![rule(BLACKHOLE, &endpoints)],
        ..Plan::default()
    };
    assert_eq!(encode(&plan), Err(TooMuch::Shapes(9)));
}

#[test]
fn the_whole_of_a_share_is_certain_and_none_is_never() {
    assert_eq!(Share::new(1.0).unwrap().parts(), u32::MAX);
    assert_eq!(Share::new(0.0).unwrap().parts(), 0);
    assert_eq!(Share::new(0.5).unwrap().parts(), 1 << 31);
    assert!(Share::new(0.999_999_999_9).unwrap().parts() < u32::MAX);
    assert_eq!(Share::new(1.1), None);
    assert_eq!(Share::new(f64::NAN), None);
}

#[test]
fn what_is_about_connect_meets_no_packet() {
    let limit = Fault::LimitConnections(crate::fault::LimitConnections {
        limit: 3,
        errno: crate::fault::Errno::TimedOut,
    });
    let mut near = rule(limit, &[("10.0.0.7", 32, Some(80))]);
    near.near = true;
    let plan = Plan {
        rules: vec![rule(BLACKHOLE, &[("10.0.0.7", 32, Some(80))]), near],
        ..Plan::default()
    };
    let encoded = encode(&plan).unwrap();
    assert_eq!(
        (encoded.connect_rules, encoded.limits.as_slice()),
        (1, &[1][..])
    );
    let [packets, attempts] = &encoded.rules[..] else {
        panic!("{encoded:?}");
    };
    assert_eq!((packets.direction, packets.near), (direction::EGRESS, 0));
    assert_eq!((attempts.direction, attempts.near), (direction::CONNECT, 1));
    let most = Plan {
        rules: (0..9)
            .map(|n| rule(limit, &[("", 0, Some(n + 1))]))
            .collect(),
        ..Plan::default()
    };
    assert_eq!(encode(&most), Err(TooMuch::Limits(9)));
}
