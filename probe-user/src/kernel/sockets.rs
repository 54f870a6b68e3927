//! Sockets that are there already, told by the kernel's socket diagnostics (sock_diag(7)).

use std::{
    collections::HashSet,
    net::{IpAddr, SocketAddr},
};

use anyhow::{Context, Result, anyhow, bail};
use netlink_packet_core::{
    NLM_F_DUMP, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload, Nla,
};
use netlink_packet_sock_diag::{
    SockDiagMessage,
    constants::{AF_INET, AF_INET6, IPPROTO_TCP, IPPROTO_UDP},
    inet::{ExtensionFlags, InetRequest, InetResponse, InetResponseHeader, SocketId, StateFlags},
};
use netlink_sys::{Socket, SocketAddr as NetlinkAddr, protocols::NETLINK_SOCK_DIAG};
use probe_common::{
    address::Address,
    connection::{End, hashes},
};

const TCP_ESTABLISHED: u8 = 1;
const TCP_LISTEN: u8 = 10;
/// Attribute that tells the cgroup, since 5.8.
const INET_DIAG_CGROUP_ID: u16 = 21;

/// An established connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connection {
    /// The socket's cookie, by which kernel programs know it.
    pub cookie: u64,
    /// The socket's inode, by which its owner is found.
    pub inode: u64,
    /// Near side's address; IPv4 where it is one.
    pub local: IpAddr,
    /// Near side's port.
    pub local_port: u16,
    /// Far side's address; IPv4 where it is one.
    pub remote: IpAddr,
    /// Far side's port.
    pub remote_port: u16,
}

/// A TCP or UDP socket, whatever it is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnySocket {
    /// Protocol number.
    pub protocol: u8,
    /// Whether it listens (TCP).
    pub is_listening: bool,
    /// Its cookie, by which kernel programs know it.
    pub cookie: u64,
    /// Its inode, by which its owner is found; 0 where nobody holds it.
    pub inode: u64,
    /// Near side; IPv4 where it is one.
    pub local: SocketAddr,
    /// Far side, port 0 where it is connected to nobody.
    pub remote: SocketAddr,
    /// Id of the cgroup that it was made in.
    pub cgroup_id: Option<u64>,
}

impl AnySocket {
    /// The number by which kernel programs know its connection; `None` without one.
    pub fn connection(&self) -> Option<u64> {
        let end = |at: &SocketAddr| End {
            address: match at.ip() {
                IpAddr::V4(v4) => Address::from_v4(v4.octets()),
                IpAddr::V6(v6) => Address::from_v6(v6.octets()),
            },
            port: at.port(),
        };
        (self.remote.port() != 0)
            .then(|| hashes(&end(&self.local), &end(&self.remote), self.protocol).connection)
    }
}

/// The TCP sockets of one network namespace.
#[derive(Clone, Debug, Default)]
pub struct Sockets {
    /// Connections, each side of a local one for itself.
    pub connections: Vec<Connection>,
    /// Ports that somebody listens on.
    pub listening: HashSet<u16>,
}

/// Lists the TCP sockets of the calling thread's network namespace.
///
/// # Errors
/// Where the kernel has no socket diagnostics (CONFIG_INET_DIAG).
pub fn list() -> Result<Sockets> {
    let mut sockets = Sockets::default();
    for (family, id) in [
        (AF_INET, SocketId::new_v4()),
        (AF_INET6, SocketId::new_v6()),
    ] {
        dump(family, IPPROTO_TCP, id, |response| {
            match response.header.state {
                TCP_LISTEN => {
                    sockets
                        .listening
                        .insert(response.header.socket_id.source_port);
                }
                TCP_ESTABLISHED => sockets.connections.push(Connection {
                    local: response.header.socket_id.source_address.to_canonical(),
                    cookie: u64::from_ne_bytes(response.header.socket_id.cookie),
                    inode: u64::from(response.header.inode),
                    local_port: response.header.socket_id.source_port,
                    remote: response.header.socket_id.destination_address.to_canonical(),
                    remote_port: response.header.socket_id.destination_port,
                }),
                _ => {}
            }
        })?;
    }
    Ok(sockets)
}

/// Lists the TCP and UDP sockets of the calling thread's network namespace.
///
/// # Errors
/// Where the kernel has no socket diagnostics of TCP. Without those of UDP
/// (CONFIG_INET_UDP_DIAG), UDP sockets are left out.
pub fn list_any() -> Result<Vec<AnySocket>> {
    let mut all = Vec::new();
    for protocol in [IPPROTO_TCP, IPPROTO_UDP] {
        for (family, id) in [
            (AF_INET, SocketId::new_v4()),
            (AF_INET6, SocketId::new_v6()),
        ] {
            match dump(family, protocol, id, |it| all.push(any(protocol, it))) {
                Err(error) if protocol == IPPROTO_UDP => {
                    log::debug!("UDP sockets: {error:#}");
                }
                other => other?,
            }
        }
    }
    Ok(all)
}

/// Lists the UDP sockets of the calling thread's network namespace.
///
/// # Errors
/// Where the kernel has no socket diagnostics of UDP (CONFIG_INET_UDP_DIAG).
pub fn list_udp() -> Result<Vec<AnySocket>> {
    let mut all = Vec::new();
    for (family, id) in [
        (AF_INET, SocketId::new_v4()),
        (AF_INET6, SocketId::new_v6()),
    ] {
        dump(family, IPPROTO_UDP, id, |it| all.push(any(IPPROTO_UDP, it)))?;
    }
    Ok(all)
}

fn any(protocol: u8, response: &InetResponse) -> AnySocket {
    let InetResponseHeader {
        state,
        inode,
        socket_id: id,
        ..
    } = &response.header;
    let at = |address: IpAddr, port| SocketAddr::new(address.to_canonical(), port);
    let cgroup = response
        .nlas
        .iter()
        .find(|it| it.kind() == INET_DIAG_CGROUP_ID);
    let cgroup_id = cgroup.and_then(|attribute| {
        let mut bytes = [0; 8];
        if attribute.value_len() != bytes.len() {
            return None;
        }
        attribute.emit_value(&mut bytes);
        Some(u64::from_ne_bytes(bytes))
    });
    AnySocket {
        protocol,
        is_listening: protocol == IPPROTO_TCP && *state == TCP_LISTEN,
        cookie: u64::from_ne_bytes(id.cookie),
        inode: u64::from(*inode),
        local: at(id.source_address, id.source_port),
        remote: at(id.destination_address, id.destination_port),
        cgroup_id,
    }
}

fn dump(
    family: u8,
    protocol: u8,
    id: SocketId,
    mut receive: impl FnMut(&InetResponse),
) -> Result<()> {
    let mut socket = Socket::new(NETLINK_SOCK_DIAG).context("socket diagnostics: connecting")?;
    socket
        .bind_auto()
        .context("socket diagnostics: connecting")?;
    socket
        .connect(&NetlinkAddr::new(0, 0))
        .context("socket diagnostics: connecting")?;
    socket
        .send(&request(family, protocol, id), 0)
        .context("socket diagnostics: asking")?;
    loop {
        let (datagram, _) = socket
            .recv_from_full()
            .context("socket diagnostics: reading")?;
        let mut rest = &datagram[..];
        while !rest.is_empty() {
            let message = NetlinkMessage::<SockDiagMessage>::deserialize(rest)
                .map_err(|error| anyhow!("socket diagnostics: reading: {error}"))?;
            match message.payload {
                NetlinkPayload::InnerMessage(SockDiagMessage::InetResponse(response)) => {
                    receive(&response);
                }
                NetlinkPayload::Done(_) => return Ok(()),
                NetlinkPayload::Error(error) => bail!("socket diagnostics: {error}"),
                _ => {}
            }
            // Messages are padded to four bytes; one without length would never end.
            let length = (message.header.length as usize).next_multiple_of(4).max(4);
            rest = rest.get(length..).unwrap_or_default();
        }
    }
}

fn request(family: u8, protocol: u8, socket_id: SocketId) -> Vec<u8> {
    let mut header = NetlinkHeader::default();
    header.flags = NLM_F_REQUEST | NLM_F_DUMP;
    let mut message = NetlinkMessage::new(
        header,
        SockDiagMessage::InetRequest(InetRequest {
            family,
            protocol,
            extensions: ExtensionFlags::empty(),
            states: StateFlags::all(),
            socket_id,
        })
        .into(),
    );
    message.finalize();
    let mut bytes = vec![0; message.buffer_len()];
    message.serialize(&mut bytes);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn both_ends_of_a_connection_and_its_listener_are_listed() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let to = listener.local_addr().unwrap();
        let caller = TcpStream::connect(to).unwrap();
        let _called = listener.accept().unwrap();
        let from = caller.local_addr().unwrap().port();

        let sockets = list().unwrap();
        assert!(sockets.listening.contains(&to.port()));
        let ours: Vec<_> = sockets
            .connections
            .iter()
            .filter(|it| it.local_port == from || it.remote_port == from)
            .collect();
        assert_eq!(ours.len(), 2, "{ours:?}");
        assert!(ours.iter().all(|it| it.cookie != 0 && it.remote == to.ip()));
        assert_ne!(ours[0].cookie, ours[1].cookie);
    }
}
