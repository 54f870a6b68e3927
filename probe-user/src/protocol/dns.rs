//! DNS (RFC 1035), over UDP as it is and over TCP with its length before it: questions, how their
//! answers begin, and which addresses somebody was told for which name.

mod message;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use simple_dns::{Name, Packet, PacketFlag, RCODE, rdata::RData};

pub use message::{answer, is_question, request};

/// What an answer says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The name that was asked for, in lower case, without a dot at its end.
    pub name: String,
    /// Its addresses, those behind its aliases included; one at least.
    pub addresses: Vec<IpAddr>,
    /// How long that holds, seconds: the shortest of its records' times to live.
    pub ttl_s: u32,
}

/// Reads an answer to a question for addresses; `None` for any other message, a failure, or one
/// that is cut short.
pub fn told(message: &[u8]) -> Option<Told> {
    let packet = Packet::parse(message).ok()?;
    if !packet.has_flags(PacketFlag::RESPONSE) || packet.rcode() != RCODE::NoError {
        return None;
    }
    let name = plain(&packet.questions.first()?.qname);
    // The name, and what it is an alias of, and so on: records of other names are none of its.
    let mut called = vec![name.clone()];
    let mut addresses = Vec::new();
    let mut ttl_s = u32::MAX;
    for record in &packet.answers {
        if !called.contains(&plain(&record.name)) {
            continue;
        }
        ttl_s = ttl_s.min(record.ttl);
        match &record.rdata {
            RData::CNAME(alias) => called.push(plain(&alias.0)),
            RData::A(v4) => addresses.push(IpAddr::V4(Ipv4Addr::from(v4.address))),
            RData::AAAA(v6) => addresses.push(IpAddr::V6(Ipv6Addr::from(v6.address))),
            _ => {}
        }
    }
    (!addresses.is_empty()).then_some(Told {
        name,
        addresses,
        ttl_s,
    })
}

/// A name in lower case, without a dot at its end.
fn plain(name: &Name<'_>) -> String {
    let name = name.to_string();
    name.trim_end_matches('.').to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An answer as a resolver gives it: an alias, and two addresses behind it.
    const ALIASED: &[u8] = b"\x12\x34\x81\x80\x00\x01\x00\x03\x00\x00\x00\x00\
        \x08Payments\x04shop\x00\x00\x01\x00\x01\
        \xc0\x0c\x00\x05\x00\x01\x00\x00\x00\x3c\x00\x05\x02p1\xc0\x15\
        \xc0\x2b\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\x0a\x00\x00\x07\
        \xc0\x2b\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\x0a\x00\x00\x08";

    #[test]
    fn addresses_behind_an_alias_are_those_of_the_name() {
        let told = told(ALIASED).unwrap();
        assert_eq!(told.name, "payments.shop");
        let addresses: Vec<String> = told.addresses.iter().map(IpAddr::to_string).collect();
        assert_eq!(addresses, ["10.0.0.7", "10.0.0.8"]);
        assert_eq!(told.ttl_s, 60);
    }

    #[test]
    fn records_of_other_names_are_none_of_its() {
        let mut message = ALIASED.to_vec();
        // The first address's record is made one of "shop".
        let at = message.len() - 32;
        message[at..at + 2].copy_from_slice(b"\xc0\x15");
        let told = told(&message).unwrap();
        assert_eq!(told.addresses, ["10.0.0.8".parse::<IpAddr>().unwrap()]);
    }

    #[test]
    fn questions_failures_and_what_is_cut_short_tell_nothing() {
        let with = |at: usize, byte: u8| {
            let mut message = ALIASED.to_vec();
            message[at] = byte;
            told(&message)
        };
        assert_eq!(with(2, 0x01), None, "a question");
        assert_eq!(with(3, 0x83), None, "there is no such name");
        assert_eq!(with(5, 0), None, "no question");
        for length in 0..ALIASED.len() {
            let short = told(&ALIASED[..length]);
            assert_eq!(short, None, "{length} bytes");
        }
    }
}
