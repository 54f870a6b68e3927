//! Asks a resolver over DNS where a role is, before each call. It keeps no answer, and asks once: who
//! calls decides how long that may take.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicU16, Ordering::Relaxed};

use tokio::net::UdpSocket;

use super::failure::Failure;
use crate::resolver::{A, AAAA, DOMAIN, HEAD, PORT};
use crate::topology::Role;

/// Tells questions of one process apart.
static NEXT: AtomicU16 = AtomicU16::new(1);

/// A name, and who is asked about it.
pub(crate) struct Lookup {
    name: String,
    resolver: IpAddr,
}

impl Lookup {
    /// Looks up `role`, for addresses of the resolver's own family.
    pub(super) fn of(role: Role, resolver: IpAddr) -> Self {
        Self {
            name: format!("{}.{DOMAIN}", role.name()),
            resolver,
        }
    }

    /// Asks, and waits for the answer.
    pub(super) async fn resolve(&self) -> Result<IpAddr, Failure> {
        let (any, kind) = match self.resolver {
            IpAddr::V4(_) => (IpAddr::from(Ipv4Addr::UNSPECIFIED), A),
            IpAddr::V6(_) => (Ipv6Addr::UNSPECIFIED.into(), AAAA),
        };
        let unresolved = |_| Failure::Unresolved;
        let socket = UdpSocket::bind((any, 0)).await.map_err(unresolved)?;
        let to = SocketAddr::new(self.resolver, PORT);
        socket.connect(to).await.map_err(unresolved)?;
        let id = NEXT.fetch_add(1, Relaxed);
        let question = asked(id, &self.name, kind);
        socket.send(&question).await.map_err(unresolved)?;
        let mut answer = [0; 512];
        loop {
            let length = socket.recv(&mut answer).await.map_err(unresolved)?;
            if let Some(told) = told(&answer[..length], id, kind) {
                return told;
            }
        }
    }
}

/// The question for an address of a name.
pub(crate) fn asked(id: u16, name: &str, kind: u16) -> Vec<u8> {
    let mut question = id.to_be_bytes().to_vec();
    question.extend([1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    for label in name.split('.') {
        question.push(label.len() as u8);
        question.extend(label.bytes());
    }
    question.push(0);
    question.extend(kind.to_be_bytes());
    question.extend([0, 1]);
    question
}

/// What the answer to a question says; `None` where it isn't one to it.
pub(crate) fn told(answer: &[u8], id: u16, kind: u16) -> Option<Result<IpAddr, Failure>> {
    if answer.len() < HEAD || answer[..2] != id.to_be_bytes() {
        return None;
    }
    let failed = answer[3] & 15 != 0 || answer[7] == 0;
    if failed {
        return Some(Err(Failure::Unresolved));
    }
    // The one record there is stands at the end.
    let address = match kind {
        A => answer.last_chunk::<4>().map(|it| IpAddr::from(*it)),
        _ => answer.last_chunk::<16>().map(|it| IpAddr::from(*it)),
    };
    Some(address.ok_or(Failure::Unresolved))
}
