//! How broad endpoints are: whether they mean everything there is, however that is written.

use std::net::IpAddr;

use super::Endpoint;

impl Endpoint {
    /// Whether an address with a port falls under it.
    pub fn covers(&self, address: IpAddr, port: u16) -> bool {
        let address = bits(address.to_canonical());
        let is_address = self
            .range()
            .is_none_or(|(first, last)| (first..=last).contains(&address));
        is_address && self.port.is_none_or(|own| own == port)
    }

    /// The first and the last of its addresses, IPv4 mapped; `None` where it has all.
    fn range(&self) -> Option<(u128, u128)> {
        let address = self.address?;
        let length = match address {
            IpAddr::V4(_) => 96 + u32::from(self.prefix),
            IpAddr::V6(_) => u32::from(self.prefix),
        };
        let rest = u128::MAX.checked_shr(length).unwrap_or(0);
        let first = bits(address) & !rest;
        Some((first, first | rest))
    }
}

/// Whether some endpoints, taken together, are every host of one family on every port.
pub fn is_everything(endpoints: &[Endpoint]) -> bool {
    let whole = (0, u128::MAX);
    let mut ranges: Vec<_> = endpoints
        .iter()
        .filter(|endpoint| endpoint.port.is_none())
        .map(|endpoint| endpoint.range().unwrap_or(whole))
        .collect();
    ranges.sort_unstable();
    // Global unicast is what there is of IPv6 to be reached: leaving the rest out leaves nothing
    // out.
    const IPV4: (u128, u128) = (0xffff_0000_0000, 0xffff_ffff_ffff);
    const IPV6_IN_USE: (u128, u128) = (0x2000 << 112, (0x4000 << 112) - 1);
    [IPV4, IPV6_IN_USE]
        .iter()
        .any(|wanted| is_covered(*wanted, &ranges))
}

/// Whether ranges in ascending order leave no gap in one.
fn is_covered((first, last): (u128, u128), ranges: &[(u128, u128)]) -> bool {
    let mut next = first;
    for &(from, to) in ranges {
        if from <= next && to >= next {
            match to {
                to if to >= last => return true,
                to => next = to + 1,
            }
        }
    }
    false
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::EndpointSpec;

    fn endpoints(texts: &[&str]) -> Vec<Endpoint> {
        let specs = texts.iter().map(|text| text.parse::<EndpointSpec>());
        specs.flat_map(|spec| spec.unwrap().resolved(&[])).collect()
    }

    #[test]
    fn everything_is_known_however_it_is_written() {
        for texts in [
            &["0.0.0.0/0"][..],
            &["::/0"],
            &["0.0.0.0/1", "128.0.0.0/1"],
            &["128.0.0.0/1", "10.0.0.7:80", "64.0.0.0/2", "0.0.0.0/2"],
            &["::/1", "8000::/1"],
            &["2000::/3"],
            &["::ffff:0:0/96"],
        ] {
            assert!(is_everything(&endpoints(texts)), "{texts:?}");
        }
        for texts in [
            &["0.0.0.0/0:443"][..],
            &[":443"],
            &["0.0.0.0/1"],
            &["10.0.0.0/8", "fd00::/8"],
            &["128.0.0.0/1", "64.0.0.0/2", "0.0.0.0/3"],
            &[],
        ] {
            assert!(!is_everything(&endpoints(texts)), "{texts:?}");
        }
    }

    #[test]
    fn an_endpoint_covers_what_it_names() {
        let near: IpAddr = "10.0.0.7".parse().unwrap();
        for (text, covers) in [
            ("10.0.0.7:80", true),
            ("10.0.0.7", true),
            ("10.0.0.0/24:80", true),
            (":80", true),
            ("::/0", true),
            ("10.0.0.7:81", false),
            ("10.0.1.0/24", false),
            ("fd00::/8", false),
        ] {
            assert_eq!(endpoints(&[text])[0].covers(near, 80), covers, "{text}");
        }
    }
}
