//! Names: what an application is told that a name means, while a fault holds, is hit as well.

use std::{
    net::{SocketAddr, UdpSocket},
    time::Duration,
};

use anyhow::{Result, ensure};
use nix::sys::signal::Signal;
use tests::{
    Netns, Pair, Probe,
    patience::{LONG, wait_for},
    resolver::{A, AAAA, ADDRESSES, Asked, Resolver, ask},
    turn::Turn,
};

const PORT: u16 = 4_102;
/// Longer than a packet takes that nothing keeps.
const QUIET: Duration = Duration::from_millis(100);

/// Who sends to an address, and who listens there.
struct Line {
    sender: UdpSocket,
    receiver: UdpSocket,
}

impl Line {
    fn new(near: &Netns, far: &Netns, to: SocketAddr) -> Result<Self> {
        let receiver = far.within(|| Ok(UdpSocket::bind(to)?))?;
        receiver.set_read_timeout(Some(QUIET))?;
        let sender = near.within(|| {
            let any = if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
            let sender = UdpSocket::bind(any)?;
            sender.connect(to)?;
            Ok(sender)
        })?;
        Ok(Self { sender, receiver })
    }

    /// Whether a packet comes through.
    fn carries(&self) -> Result<bool> {
        self.sender.send(b"?")?;
        Ok(self.receiver.recv(&mut [0; 8]).is_ok())
    }
}

#[test]
#[ignore = "needs root"]
fn what_a_name_comes_to_mean_is_hit_too() -> Result<()> {
    let _turn = Turn::together()?;
    let pair = Pair::new()?;
    let server = SocketAddr::new(pair.far_address(tests::Family::V4), 53);
    let _resolver = Resolver::new(&pair.far, server)?;
    for address in ADDRESSES {
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let options = if address.is_ipv4() { "" } else { " nodad" };
        pair.far
            .ip(&format!("address add {address}/{bits} dev wire{options}"))?;
        pair.near
            .ip(&format!("route add {address}/{bits} dev wire"))?;
    }
    let netns = &pair.near.name;
    let probe = Probe::inject(&format!(
        "blackhole --to localhost:{PORT} --netns {netns} --for 60s"
    ))?;
    for (address, kind) in ADDRESSES.into_iter().zip([A, AAAA]) {
        let line = Line::new(&pair.near, &pair.far, SocketAddr::new(address, PORT))?;
        // Somebody else's name, at first.
        let asked = ask(&pair.near, server, "localhost.example", kind)?;
        ensure!(asked == Asked::Address, "{asked:?}");
        ensure!(line.carries()? && line.carries()?, "{address} is hit");
        let asked = ask(&pair.near, server, "LocalHost", kind)?;
        ensure!(asked == Asked::Address, "{asked:?}");
        wait_for("the name's new address to be hit", LONG, || {
            Ok((!line.carries()?).then_some(()))
        })?;
        ensure!(!line.carries()?, "{address}: hit once, and then no more");
        let elsewhere = SocketAddr::new(address, PORT + 1);
        let elsewhere = Line::new(&pair.near, &pair.far, elsewhere)?;
        ensure!(elsewhere.carries()?, "another port of {address} is hit");
    }
    let ended = probe.end(Signal::SIGINT)?;
    let endpoints = ended.json()?["endpoints"].to_string();
    for address in ADDRESSES {
        ensure!(
            endpoints.contains(&address.to_string()),
            "{address}: {endpoints}"
        );
    }
    Ok(())
}
