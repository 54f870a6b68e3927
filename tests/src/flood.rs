//! UDP floods through a fault: numbered packets of one flow, and nothing else lost on the way.

use std::net::SocketAddr;

use anyhow::{Result, ensure};
use nix::sys::signal::Signal;

use crate::{
    Ended, Family, Pair, Probe,
    snmp::Snmp,
    udp::{Received, Receiver, Sender},
};

/// So that a flow has the same five words each time.
const FROM: u16 = 40_100;
const TO: u16 = 40_200;
/// Bytes of a packet.
const LENGTH: usize = 100;

/// What is sent.
#[derive(Clone, Copy, Debug)]
pub struct Flood {
    /// Over which of the two internets.
    pub family: Family,
    /// Whether the namespace with the fault sends ("egress") or receives ("ingress").
    pub way: &'static str,
    /// How many packets.
    pub packets: u64,
    /// How many a second.
    pub per_second: u64,
}

impl Flood {
    /// Sends the packets while a fault holds in the namespace `near`, and tells what came.
    ///
    /// # Errors
    /// Where probe refuses, or a packet was lost anywhere but in the fault.
    pub fn through(&self, pair: &Pair, fault: &str) -> Result<(Ended, Received)> {
        let (near, far) = (
            pair.near_address(self.family),
            pair.far_address(self.family),
        );
        let (from, to, target) = match self.way {
            "egress" => (&pair.near, &pair.far, far),
            _ => (&pair.far, &pair.near, near),
        };
        let receiver = Receiver::new(to, SocketAddr::new(target, TO))?;
        let mut sender = Sender::new(from, receiver.address, FROM, LENGTH)?;
        let before = Snmp::of(to)?;
        let probe = Probe::inject(&format!(
            "{fault} --to {far} --direction {} --proto udp --netns {} --for 10m",
            self.way, pair.near.name
        ))?;
        sender.send(self.packets, self.per_second)?;
        // Whatever the fault holds back is there before it ends.
        let received = receiver.finish();
        let ended = probe.end(Signal::SIGINT)?;
        let errors = match self.family {
            Family::V4 => "UdpRcvbufErrors",
            Family::V6 => "Udp6RcvbufErrors",
        };
        let no_room = Snmp::of(to)?.growth(errors, &before);
        ensure!(no_room == 0, "the receiver had no room for {no_room}");
        ensure!(ended.counter("matched")? == self.packets, "{ended:?}");
        ensure!(ended.counter("overflow")? == 0, "{ended:?}");
        Ok((ended, received))
    }
}
