//! The resolver: tells over DNS (RFC 1035, UDP) where the lab's roles are, as `payments.lab`. It knows
//! questions for one address of one name, and says of any other name that there is none.

use std::net::{IpAddr, Ipv6Addr};

use anyhow::{Context, Result};
use serde_json::Value;
use tokio::net::UdpSocket;

use crate::role::{Lifeline, say_ready};
use crate::topology::{Link, Role};

/// The port on which it is asked.
pub(crate) const PORT: u16 = 53;
/// What the names of roles end with.
pub(crate) const DOMAIN: &str = "lab";
/// Types of records: an IPv4 address, an IPv6 address.
pub(crate) const A: u16 = 1;
pub(crate) const AAAA: u16 = 28;
/// The length of a message's head.
pub(crate) const HEAD: usize = 12;

/// How long answers may be kept, in seconds: not at all.
const TTL: u32 = 0;
const NO_SUCH_NAME: u8 = 3;

/// Answers until the lifeline is cut.
pub(crate) async fn serve(mut lifeline: Lifeline) -> Result<Value> {
    let socket = UdpSocket::bind((Ipv6Addr::UNSPECIFIED, PORT)).await;
    let socket = socket.context("listen on the port of DNS")?;
    say_ready()?;
    let mut question = [0; 512];
    loop {
        tokio::select! {
            asked = socket.recv_from(&mut question) => {
                // An error is about somebody who asked earlier and has gone.
                let Ok((length, from)) = asked else { continue };
                if let Some(answer) = answer(&question[..length]) {
                    let _ = socket.send_to(&answer, from).await;
                }
            }
            () = lifeline.cut() => return Ok(Value::Null),
        }
    }
}

/// The answer to a question; none to what isn't one.
fn answer(question: &[u8]) -> Option<Vec<u8>> {
    let (name, end) = name(question)?;
    let kind = u16::from_be_bytes([*question.get(end)?, *question.get(end + 1)?]);
    let asked = question.get(HEAD..end + 4)?;
    let address = address(&name, kind);
    let known = role(&name).is_some();
    let mut answer = question[..2].to_vec();
    // An answer, by who knows; recursion as little wanted as offered.
    answer.extend([0x84, if known { 0 } else { NO_SUCH_NAME }]);
    answer.extend([0, 1, 0, u8::from(address.is_some()), 0, 0, 0, 0]);
    answer.extend(asked);
    if let Some(address) = address {
        // The name is the one at the end of the head.
        answer.extend([0xc0, HEAD as u8]);
        answer.extend(kind.to_be_bytes());
        answer.extend([0, 1]);
        answer.extend(TTL.to_be_bytes());
        let octets = match address {
            IpAddr::V4(v4) => v4.octets().to_vec(),
            IpAddr::V6(v6) => v6.octets().to_vec(),
        };
        answer.extend((octets.len() as u16).to_be_bytes());
        answer.extend(octets);
    }
    Some(answer)
}

/// The name that is asked about, and where it ends.
fn name(question: &[u8]) -> Option<(String, usize)> {
    let mut labels = Vec::new();
    let mut at = HEAD;
    loop {
        let length = usize::from(*question.get(at)?);
        let label = question.get(at + 1..at + 1 + length)?;
        at += 1 + length;
        if label.is_empty() {
            return Some((labels.join("."), at));
        }
        labels.push(String::from_utf8_lossy(label).to_lowercase());
    }
}

fn role(name: &str) -> Option<Role> {
    let (role, domain) = name.split_once('.')?;
    role.parse().ok().filter(|_| domain == DOMAIN)
}

fn address(name: &str, kind: u16) -> Option<IpAddr> {
    let [v4, v6] = Link::to(role(name)?).far_end();
    match kind {
        A => Some(v4),
        AAAA => Some(v6),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::lookup::{asked, told};

    #[test]
    fn it_tells_where_roles_are() {
        let inventory = |kind| told(&answer(&asked(7, "inventory.lab", kind)).unwrap(), 7, kind);
        assert_eq!(inventory(A), Some(Ok("10.77.2.2".parse().unwrap())));
        assert_eq!(inventory(AAAA), Some(Ok("fd77:2::2".parse().unwrap())));
    }

    #[test]
    fn of_others_it_says_that_there_are_none() {
        for name in ["bank.lab", "payments.example", "lab"] {
            let answer = answer(&asked(7, name, A)).unwrap();
            assert_eq!(answer[3] & 15, NO_SUCH_NAME, "{name}");
            assert!(told(&answer, 7, A).unwrap().is_err());
        }
    }

    #[test]
    fn what_is_cut_off_is_not_answered() {
        let question = asked(7, "inventory.lab", A);
        for end in 0..question.len() {
            assert_eq!(answer(&question[..end]), None, "{end}");
        }
    }
}
