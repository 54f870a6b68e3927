//! TCP sockets that are there already, told by the kernel's socket diagnostics (sock_diag(7)).

use std::{collections::HashSet, net::IpAddr};

use anyhow::{Context, Result, anyhow, bail};
use netlink_packet_core::{
    NLM_F_DUMP, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload,
};
use netlink_packet_sock_diag::{
    SockDiagMessage,
    constants::{AF_INET, AF_INET6, IPPROTO_TCP},
    inet::{ExtensionFlags, InetRequest, InetResponseHeader, SocketId, StateFlags},
};
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_SOCK_DIAG};

const TCP_ESTABLISHED: u8 = 1;
const TCP_LISTEN: u8 = 10;

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
        dump(family, id, |header| match header.state {
            TCP_LISTEN => {
                sockets.listening.insert(header.socket_id.source_port);
            }
            TCP_ESTABLISHED => sockets.connections.push(Connection {
                cookie: u64::from_ne_bytes(header.socket_id.cookie),
                inode: u64::from(header.inode),
                local: header.socket_id.source_address.to_canonical(),
                local_port: header.socket_id.source_port,
                remote: header.socket_id.destination_address.to_canonical(),
                remote_port: header.socket_id.destination_port,
            }),
            _ => {}
        })?;
    }
    Ok(sockets)
}

fn dump(family: u8, id: SocketId, mut receive: impl FnMut(&InetResponseHeader)) -> Result<()> {
    let mut socket = Socket::new(NETLINK_SOCK_DIAG).context("socket diagnostics: connecting")?;
    socket
        .bind_auto()
        .context("socket diagnostics: connecting")?;
    socket
        .connect(&SocketAddr::new(0, 0))
        .context("socket diagnostics: connecting")?;
    socket
        .send(&request(family, id), 0)
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
                    receive(&response.header);
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

fn request(family: u8, socket_id: SocketId) -> Vec<u8> {
    let mut header = NetlinkHeader::default();
    header.flags = NLM_F_REQUEST | NLM_F_DUMP;
    let mut message = NetlinkMessage::new(
        header,
        SockDiagMessage::InetRequest(InetRequest {
            family,
            protocol: IPPROTO_TCP,
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
