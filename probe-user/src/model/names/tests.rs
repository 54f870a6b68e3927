//! The order in which a name is looked for, and how long one holds.

use super::*;

const S: u64 = 1_000_000_000;

fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn told(names: &Names, remote: &str) -> (String, Source) {
    let name = names.of(at(remote), None);
    (name.text, name.source)
}

#[test]
fn the_best_source_names_it() {
    let endpoint = Endpoint {
        address: Some(ip("10.0.0.7")),
        prefix: 32,
        port: Some(80),
    };
    let hosts = HashMap::from([(ip("10.0.0.7"), "by-hosts".to_owned())]);
    let mut names = Names::new(vec![(endpoint, "by-scenario".into())]).with_hosts(hosts);
    assert_eq!(
        told(&names, "10.0.0.7:443"),
        ("by-hosts".into(), Source::Hosts)
    );
    assert!(names.learn(ip("10.0.0.7"), "By-DNS.", 0, S));
    assert_eq!(told(&names, "10.0.0.7:443"), ("by-dns".into(), Source::Dns));
    let tls = names.of(at("10.0.0.7:443"), Some("by-tls"));
    assert_eq!(
        (tls.text.as_str(), tls.source),
        ("by-tls", Source::ServerName)
    );
    let declared = names.of(at("10.0.0.7:80"), Some("by-tls"));
    assert_eq!(
        (declared.text.as_str(), declared.source),
        ("by-scenario", Source::Scenario)
    );
    assert_eq!(
        told(&names, "10.0.0.8:80"),
        ("10.0.0.8:80".into(), Source::Address)
    );
}

#[test]
fn a_shared_address_keeps_its_first_name_while_that_holds() {
    let mut names = Names::default();
    assert!(names.learn(ip("10.0.0.7"), "a.example", 0, 60 * S));
    assert!(!names.learn(ip("10.0.0.7"), "b.example", 30 * S, 90 * S));
    assert_eq!(told(&names, "10.0.0.7:80").0, "a.example");
    assert!(!names.learn(ip("10.0.0.7"), "a.example", 50 * S, 110 * S));
    assert!(!names.learn(ip("10.0.0.7"), "b.example", 100 * S, 160 * S));
    assert!(names.learn(ip("10.0.0.7"), "b.example", 110 * S, 170 * S));
    assert_eq!(told(&names, "10.0.0.7:80").0, "b.example");
}

#[test]
fn the_oldest_answer_goes_first() {
    let mut names = Names::default();
    for n in 0..=MOST_ANSWERS as u32 {
        let address = IpAddr::from((0x0a00_0000 + n).to_be_bytes());
        assert!(names.learn(address, &format!("h{n}"), 0, S));
    }
    assert_eq!(names.answers.names.len(), MOST_ANSWERS);
    assert_eq!(names.answers.order.len(), MOST_ANSWERS);
    assert_eq!(told(&names, "10.0.0.0:1").1, Source::Address);
    assert_eq!(told(&names, "10.0.0.1:1").0, "h1");
}

#[test]
fn a_declared_host_is_followed_where_dns_moves_it() {
    let called = Called {
        name: "search".into(),
        spec: "search.internal:9200".parse().unwrap(),
        search: Vec::new(),
    };
    let mut names = Names::default().with_called(vec![called]);
    assert_eq!(told(&names, "10.0.0.9:9200").1, Source::Address);
    assert!(names.learn(ip("::ffff:10.0.0.9"), "search.internal", 0, S));
    assert_eq!(
        told(&names, "10.0.0.9:9200"),
        ("search".into(), Source::Scenario)
    );
    assert_eq!(
        told(&names, "10.0.0.9:80"),
        ("search.internal".into(), Source::Dns)
    );
    for n in 0..2 * MOST_MEANT as u32 {
        names.learn(
            (0x0b00_0000 + n).to_be_bytes().into(),
            "search.internal",
            0,
            S,
        );
    }
    assert_eq!(names.declared.len(), MOST_MEANT);
}

#[test]
fn what_a_terminal_would_obey_is_no_name() {
    let mut names = Names::default();
    let long = "a".repeat(254);
    for name in ["", ".", "a b", "\u{1b}[2J", "a\nb", "naïve", &long] {
        assert!(!names.learn(ip("10.0.0.7"), name, 0, S), "{name:?}");
    }
    assert_eq!(
        names.of(at("10.0.0.7:1"), Some("\u{7}")).source,
        Source::Address
    );
}
