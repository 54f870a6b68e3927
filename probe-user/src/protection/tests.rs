//! The list and its map entries.

use probe_common::protect::{kind, place, port};

use super::encode::encode;
use super::*;

fn endpoint(text: &str) -> Endpoint {
    text.parse::<EndpointSpec>().unwrap().resolved(&[])[0]
}

fn list() -> NeverFaulted {
    NeverFaulted::of(Login {
        ports: [2222].into(),
        connections: [Connection::new(
            "[::ffff:10.0.0.1]:2222".parse().unwrap(),
            "10.0.0.9:51234".parse().unwrap(),
        )]
        .into(),
    })
}

fn bits(ports: &std::collections::BTreeMap<u32, u32>, at: u16) -> u32 {
    let (word, shift) = place(at);
    ports.get(&word).map_or(0, |bits| bits >> shift & 3)
}

#[test]
fn the_list_says_what_is_on_it() {
    let mut list = list();
    list.add([endpoint("10.1.0.0/16"), endpoint("10.1.0.0/16")]);
    assert_eq!(
        list.lines().join("; "),
        "SSH port 22; SSH port 2222; \
         this session's connection 10.0.0.1:2222 with 10.0.0.9:51234; \
         ARP; IPv6 neighbour discovery; DHCP; 10.1.0.0/16"
    );
}

#[test]
fn only_what_is_named_is_taken_off() {
    for (word, gone) in [
        ("ssh", "SSH port"),
        ("session", "this session"),
        ("nd", "neighbour"),
        ("dhcp", "DHCP"),
        (":2222", "SSH port 2222"),
        ("10.0.0.9:51234", "this session"),
        ("10.1.0.0/16", "10.1.0.0/16"),
    ] {
        let mut list = list();
        list.add([endpoint("10.1.0.0/16")]);
        let before = list.lines();
        let thing: Thing = word.parse().unwrap();
        let endpoints = match &thing {
            Thing::Endpoint(spec) => spec.resolved(&[]),
            _ => Vec::new(),
        };
        list.take_off(&thing, &endpoints).unwrap();
        let rest: Vec<_> = before.iter().filter(|line| !line.contains(gone)).collect();
        assert_eq!(list.lines().iter().collect::<Vec<_>>(), rest, "{word}");
    }
}

#[test]
fn what_is_not_on_the_list_is_not_taken_off_in_silence() {
    let thing: Thing = "10.0.0.9:80".parse().unwrap();
    let mistake = list()
        .take_off(&thing, &[endpoint("10.0.0.9:80")])
        .unwrap_err();
    assert!(mistake.message.contains("10.0.0.9:80 is not on the list"));
    assert!("arp".parse::<Thing>().is_err());
}

#[test]
fn ports_tell_whether_to_look_further() {
    let mut list = list();
    list.add([
        endpoint(":8080"),
        endpoint("10.0.0.7:443"),
        endpoint("[fd00::7]:443"),
    ]);
    let encoded = encode(&list).unwrap();
    for (at, expected) in [
        (22, port::PROTECTED),
        (2222, port::PROTECTED),
        (8080, port::PROTECTED),
        (443, port::LOOK),
        (51234, port::LOOK),
        (80, 0),
        (0, 0),
    ] {
        assert_eq!(bits(&encoded.ports, at), expected, "{at}");
    }
    // Both ways of the connection and two endpoints, of one shape.
    assert_eq!(encoded.keys.len(), 4);
    assert_eq!(encoded.header.shape_count, 1);
    assert_eq!(
        (encoded.header.look_always, encoded.header.faultable),
        (0, 0)
    );
}

#[test]
fn an_address_without_a_port_makes_every_packet_be_looked_up() {
    let mut list = list();
    list.add([endpoint("10.0.0.7")]);
    list.take_off(&Thing::Dhcp, &[]).unwrap();
    let header = encode(&list).unwrap().header;
    assert_eq!((header.look_always, header.faultable), (1, kind::DHCP));
}

#[test]
fn more_than_fits_is_refused() {
    let mut list = list();
    list.add(["10.0.0.0/8", "10.0.0.0/9", "10.0.0.0/10", "10.0.0.0/11"].map(endpoint));
    assert!(encode(&list).is_ok());
    list.add([endpoint("10.0.0.0/12")]);
    assert!(encode(&list).unwrap_err().message.contains("kinds"));
}
