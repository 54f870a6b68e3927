//! The hosts file (hosts(5)): which name stands for an address.

use std::{collections::HashMap, net::IpAddr};

use super::names::is_name;

/// Most addresses that are kept: lists of unwanted hosts have more lines than anybody calls.
const MOST: usize = 65_536;

/// The first name of each address. Lines that can't be read are passed over, as the resolver does;
/// so are addresses that stand for no host.
pub fn parse(text: &str) -> HashMap<IpAddr, String> {
    let mut hosts = HashMap::new();
    for line in text.lines() {
        let line = line.split('#').next().unwrap_or_default();
        let mut words = line.split_whitespace();
        let (Some(address), Some(name)) = (words.next(), words.next()) else {
            continue;
        };
        let Ok(address) = address.parse::<IpAddr>() else {
            continue;
        };
        if address.is_unspecified() || !is_name(name) || hosts.len() >= MOST {
            continue;
        }
        hosts
            .entry(address.to_canonical())
            .or_insert_with(|| name.to_ascii_lowercase());
    }
    hosts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_name_of_an_address_counts() {
        let hosts = parse(
            "127.0.0.1\tlocalhost\n# 10.0.0.1 no\n10.0.0.7 Payments pay # the bank\n\
             10.0.0.7 other\nfd00::7 payments6\n::ffff:10.0.0.8 mapped\n",
        );
        let of = |address: &str| hosts.get(&address.parse().unwrap()).map(String::as_str);
        assert_eq!(of("10.0.0.7"), Some("payments"));
        assert_eq!(of("fd00::7"), Some("payments6"));
        assert_eq!(of("10.0.0.8"), Some("mapped"));
        assert_eq!(of("127.0.0.1"), Some("localhost"));
        assert_eq!(of("10.0.0.1"), None);
    }

    #[test]
    fn what_is_no_host_is_passed_over() {
        let hosts =
            parse("0.0.0.0 ads.example\nten.0.0.1 x\n10.0.0.9\n10.0.0.9 a\u{1b}[31m\n\n10.0.0.9 b");
        assert_eq!(hosts.len(), 1);
        assert_eq!(hosts[&"10.0.0.9".parse::<IpAddr>().unwrap()], "b");
    }

    #[test]
    fn it_is_bounded() {
        let text: String = (0..70_000u32)
            .map(|n| format!("10.{}.{}.{} h{n}\n", n >> 16 & 255, n >> 8 & 255, n & 255))
            .collect();
        assert_eq!(parse(&text).len(), MOST);
    }
}
