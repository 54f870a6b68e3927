//! The far side of traffic, as it is typed: `HOST[:PORT]`, `CIDR[:PORT]`, `[V6]:PORT`, `:PORT`.
//!
//! Reads and checks the text only; names become addresses elsewhere.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use crate::mistake::Mistake;
use crate::plan::Endpoint;

/// Which hosts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Host {
    /// Whichever.
    Any,
    /// One address.
    Address(IpAddr),
    /// A network: its first address, and how many leading bits count.
    Network(IpAddr, u8),
    /// A name, in lower case, that is yet to be resolved.
    Name(String),
}

/// A far side as it was typed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EndpointSpec {
    /// Which hosts.
    pub host: Host,
    /// Port; `None` for any.
    pub port: Option<u16>,
}

impl EndpointSpec {
    /// The name that is to be resolved, where it has one.
    pub fn name(&self) -> Option<&str> {
        match &self.host {
            Host::Name(name) => Some(name),
            _ => None,
        }
    }

    /// Whether an answer for a name, in lower case, is one for this far side's, given the domains
    /// that the resolver of its namespace tries behind a name.
    pub fn is_called(&self, name: &str, search: &[String]) -> bool {
        let Some(typed) = self.name().map(|typed| typed.trim_end_matches('.')) else {
            return false;
        };
        let rest = name.strip_prefix(typed);
        rest.is_some_and(|rest| match rest.strip_prefix('.') {
            Some(domain) => search.iter().any(|it| it == domain),
            None => rest.is_empty(),
        })
    }

    /// What it means in terms of addresses, given those that its name stands for; they are
    /// not looked at where it has none.
    pub fn resolved(&self, addresses: &[IpAddr]) -> Vec<Endpoint> {
        let endpoint = |address, prefix| Endpoint {
            address,
            prefix,
            port: self.port,
        };
        match &self.host {
            Host::Any => vec![endpoint(None, 0)],
            Host::Address(address) => vec![endpoint(Some(*address), bits(*address))],
            Host::Network(address, prefix) => vec![endpoint(Some(*address), *prefix)],
            Host::Name(_) => addresses
                .iter()
                .map(IpAddr::to_canonical)
                .map(|address| endpoint(Some(address), bits(address)))
                .collect(),
        }
    }
}

impl FromStr for EndpointSpec {
    type Err = Mistake;

    fn from_str(text: &str) -> Result<Self, Mistake> {
        let text = text.trim();
        if text.is_empty() {
            return Err(Mistake::new("nothing where an endpoint is due")
                .hint("write HOST:PORT, as 10.0.0.7:80, or :PORT for every host"));
        }
        if let Some((scheme, rest)) = text.split_once("://") {
            let host = rest.split('/').next().unwrap_or(rest);
            return Err(Mistake::new(format!(
                "endpoint \"{text}\" is a URL ({scheme}), not a host"
            ))
            .hint(format!("write \"{host}\"")));
        }
        let (host, port) = split_port(text)?;
        Ok(Self {
            host: parse_host(host, text)?,
            port: port.map(|port| parse_port(port, text)).transpose()?,
        })
    }
}

impl fmt::Display for EndpointSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bracketed = |address: &IpAddr| address.is_ipv6() && self.port.is_some();
        match &self.host {
            Host::Any if self.port.is_none() => f.write_str("any")?,
            Host::Any => {}
            Host::Address(address) if bracketed(address) => write!(f, "[{address}]")?,
            Host::Address(address) => write!(f, "{address}")?,
            Host::Network(address, prefix) if bracketed(address) => {
                write!(f, "[{address}/{prefix}]")?;
            }
            Host::Network(address, prefix) => write!(f, "{address}/{prefix}")?,
            Host::Name(name) => f.write_str(name)?,
        }
        match self.port {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

/// Splits host and port. Several colons without brackets are an IPv6 address, whole.
fn split_port(text: &str) -> Result<(&str, Option<&str>), Mistake> {
    if let Some(rest) = text.strip_prefix('[') {
        let (host, after) = rest.split_once(']').ok_or_else(|| {
            Mistake::new(format!("endpoint \"{text}\" has a [ without its ]"))
                .hint("write an IPv6 address with a port as [fd00::7]:80")
        })?;
        return match (after.strip_prefix(':'), after) {
            (Some(port), _) => Ok((host, Some(port))),
            (None, "") => Ok((host, None)),
            (None, _) => Err(Mistake::new(format!(
                "endpoint \"{text}\" has \"{after}\" after its ]"
            ))
            .hint("write [fd00::7]:80, or [fd00::/64]:80 for a network")),
        };
    }
    match text.matches(':').count() {
        1 => Ok(text
            .split_once(':')
            .map(|(h, p)| (h, Some(p)))
            .unwrap_or((text, None))),
        _ => Ok((text, None)),
    }
}

fn parse_port(port: &str, text: &str) -> Result<u16, Mistake> {
    let all_digits = !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
    match port.parse::<u16>() {
        Ok(port) if port > 0 && all_digits => Ok(port),
        _ => Err(
            Mistake::new(format!("\"{port}\" is no port, in endpoint \"{text}\""))
                .hint("ports go from 1 to 65535; leave it out for all of them"),
        ),
    }
}

fn parse_host(host: &str, text: &str) -> Result<Host, Mistake> {
    if host.is_empty() && text.starts_with(':') {
        return Ok(Host::Any);
    }
    if let Some((address, prefix)) = host.split_once('/') {
        return parse_network(address, prefix, text);
    }
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(Host::Address(address.to_canonical()));
    }
    if host.contains(':') || text.starts_with('[') {
        return Err(
            Mistake::new(format!("endpoint \"{text}\" is no IPv6 address"))
                .hint("write [fd00::7]:80, or HOST:PORT"),
        );
    }
    parse_name(host, text)
}

fn parse_network(address: &str, prefix: &str, text: &str) -> Result<Host, Mistake> {
    let address: IpAddr = address.parse().map_err(|_| {
        Mistake::new(format!("endpoint \"{text}\" is no network"))
            .hint("write a network as 10.0.0.0/24:80 or [fd00::/64]:80")
    })?;
    let most = bits(address);
    let prefix = prefix
        .parse::<u8>()
        .ok()
        .filter(|prefix| *prefix <= most)
        .ok_or_else(|| {
            Mistake::new(format!(
                "/{prefix} is no prefix length, in endpoint \"{text}\""
            ))
            .hint(format!("it goes from 0 to {most}"))
        })?;
    if prefix == most {
        return Ok(Host::Address(address));
    }
    let first = first_of(address, prefix);
    if first != address {
        // Widening what a person wrote would fault hosts that nobody asked for.
        return Err(Mistake::new(format!(
            "{address}/{prefix} is no network: bits are set after its first {prefix}"
        ))
        .hint(format!(
            "write {first}/{prefix} for the network, {address} for the one host"
        )));
    }
    Ok(Host::Network(address, prefix))
}

fn parse_name(host: &str, text: &str) -> Result<Host, Mistake> {
    let name = host.strip_suffix('.').unwrap_or(host);
    let label_fits = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    if name.len() > 253 || !name.split('.').all(label_fits) {
        return Err(Mistake::new(format!("endpoint \"{text}\" names no host"))
            .hint("write HOST:PORT, as 10.0.0.7:80 or payments.internal:80"));
    }
    let last = name.rsplit('.').next().unwrap_or(name);
    if last.bytes().all(|b| b.is_ascii_digit()) {
        let mistake = Mistake::new(format!("endpoint \"{text}\" is no address"));
        return Err(match name.contains('.') {
            true => mistake.hint("an IPv4 address is four numbers from 0 to 255"),
            false => mistake.hint(format!("write :{name} for port {name} of every host")),
        });
    }
    Ok(Host::Name(name.to_ascii_lowercase()))
}

fn bits(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn first_of(address: IpAddr, prefix: u8) -> IpAddr {
    let prefix = u32::from(prefix);
    match address {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(32 - prefix).unwrap_or(0);
            IpAddr::V4(Ipv4Addr::from_bits(v4.to_bits() & mask))
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(128 - prefix).unwrap_or(0);
            IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & mask))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(text: &str) -> EndpointSpec {
        text.parse()
            .unwrap_or_else(|mistake| panic!("{text}: {mistake}"))
    }

    #[test]
    fn a_name_is_also_what_the_resolver_makes_of_it() {
        let spec: EndpointSpec = "payments:80".parse().unwrap();
        let search = ["shop.svc.local".to_owned()];
        assert!(spec.is_called("payments", &search));
        assert!(spec.is_called("payments.shop.svc.local", &search));
        assert!(!spec.is_called("payments.elsewhere", &search));
        assert!(!spec.is_called("payments2", &search));
        let address: EndpointSpec = "10.0.0.7:80".parse().unwrap();
        assert!(!address.is_called("10.0.0.7", &search));
    }

    #[test]
    fn every_form_is_read_and_shown_as_typed() {
        for text in [
            "10.0.0.7:80",
            "10.0.0.7",
            "10.0.0.0/8",
            "10.0.0.0/8:80",
            "0.0.0.0/0:443",
            "[fd77:1::2]:8080",
            "fd77:1::2",
            "fd77::/16",
            "[fd77::/16]:80",
            ":8080",
            "payments:80",
            "payments.internal",
            "my_service-2.example.com:65535",
        ] {
            assert_eq!(spec(text).to_string(), text);
        }
    }

    #[test]
    fn some_forms_mean_the_same() {
        for (text, same) in [
            ("10.0.0.7/32:80", "10.0.0.7:80"),
            ("[fd77:1::2]", "fd77:1::2"),
            ("FD77:1::2", "fd77:1::2"),
            ("[::ffff:10.0.0.7]:80", "10.0.0.7:80"),
            ("Payments.Internal.:80", "payments.internal:80"),
            (" localhost:80 ", "localhost:80"),
        ] {
            assert_eq!(spec(text), spec(same), "{text}");
        }
    }

    #[test]
    fn malformed_endpoints_are_refused() {
        for (text, message) in [
            ("", "nothing where an endpoint is due"),
            ("10.0.0.7:0", "\"0\" is no port, in endpoint \"10.0.0.7:0\""),
            (
                "10.0.0.7:70000",
                "\"70000\" is no port, in endpoint \"10.0.0.7:70000\"",
            ),
            ("10.0.0.7:", "\"\" is no port, in endpoint \"10.0.0.7:\""),
            ("host:+80", "\"+80\" is no port, in endpoint \"host:+80\""),
            (
                "host:http",
                "\"http\" is no port, in endpoint \"host:http\"",
            ),
            (
                "10.0.0.0/33",
                "/33 is no prefix length, in endpoint \"10.0.0.0/33\"",
            ),
            (
                "fd00::/129",
                "/129 is no prefix length, in endpoint \"fd00::/129\"",
            ),
            (
                "10.0.0.0/",
                "/ is no prefix length, in endpoint \"10.0.0.0/\"",
            ),
            (
                "10.0.0.7/24",
                "10.0.0.7/24 is no network: bits are set after its first 24",
            ),
            ("host/24", "endpoint \"host/24\" is no network"),
            ("10.0.0.300:80", "endpoint \"10.0.0.300:80\" is no address"),
            ("8080", "endpoint \"8080\" is no address"),
            (
                "http://10.0.0.7/",
                "endpoint \"http://10.0.0.7/\" is a URL (http), not a host",
            ),
            (
                "[fd00::7:80",
                "endpoint \"[fd00::7:80\" has a [ without its ]",
            ),
            (
                "[fd00::7]80",
                "endpoint \"[fd00::7]80\" has \"80\" after its ]",
            ),
            (
                "fe80::1%eth0",
                "endpoint \"fe80::1%eth0\" is no IPv6 address",
            ),
            ("a b:80", "endpoint \"a b:80\" names no host"),
            (
                "paiements-é:80",
                "endpoint \"paiements-é:80\" names no host",
            ),
            ("*:80", "endpoint \"*:80\" names no host"),
            (
                "[payments]:80",
                "endpoint \"[payments]:80\" is no IPv6 address",
            ),
            ("[]:80", "endpoint \"[]:80\" is no IPv6 address"),
        ] {
            let mistake = text.parse::<EndpointSpec>().expect_err(text);
            assert_eq!(mistake.message, message);
        }
        assert_eq!(
            "10.0.0.7/24"
                .parse::<EndpointSpec>()
                .unwrap_err()
                .hint
                .unwrap(),
            "write 10.0.0.0/24 for the network, 10.0.0.7 for the one host"
        );
    }

    #[test]
    fn names_take_the_addresses_they_are_given() {
        let addresses = [
            "10.0.0.7".parse().unwrap(),
            "::ffff:10.0.0.8".parse().unwrap(),
        ];
        let endpoints = spec("payments:80").resolved(&addresses);
        assert_eq!(endpoints.len(), 2);
        assert_eq!((endpoints[1].prefix, endpoints[1].port), (32, Some(80)));
        assert_eq!(spec(":80").resolved(&[])[0].address, None);
        assert_eq!(spec("fd77::/16").resolved(&[])[0].prefix, 16);
    }
}
