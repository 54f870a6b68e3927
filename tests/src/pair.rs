//! Two network namespaces and a veth pair between them, with IPv4 and IPv6.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    time::Duration,
};

use anyhow::{Context, Result};

use crate::{
    Netns,
    echo::Echo,
    patience::{LONG, wait_for},
};

/// Which of the two internets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// IPv4
    V4,
    /// IPv6
    V6,
}

impl Family {
    /// Both, for tests that hold for either.
    pub const BOTH: [Self; 2] = [Self::V4, Self::V6];

    /// The loopback address.
    pub fn loopback(self) -> IpAddr {
        match self {
            Self::V4 => Ipv4Addr::LOCALHOST.into(),
            Self::V6 => Ipv6Addr::LOCALHOST.into(),
        }
    }
}

/// The name of the interface at either end.
pub const INTERFACE: &str = "wire";

/// Two namespaces joined by a wire. Both go when this is dropped. Pairs of different tests have
/// the same addresses and never meet.
#[derive(Debug)]
pub struct Pair {
    /// Where the caller is, and where faults are injected.
    pub near: Netns,
    /// Where who is called is.
    pub far: Netns,
}

impl Pair {
    /// Makes one, ready to carry packets.
    ///
    /// # Errors
    /// Where the kernel or iproute2 refuses.
    pub fn new() -> Result<Self> {
        let (near, far) = (Netns::new("near")?, Netns::new("far")?);
        near.ip(&format!(
            "link add {INTERFACE} type veth peer name {INTERFACE} netns {}",
            far.name
        ))?;
        for (end, host) in [(&near, 1), (&far, 2)] {
            // Without link-local addresses nobody says anything unasked.
            end.ip(&format!("link set {INTERFACE} addrgenmode none"))?;
            end.ip(&format!("address add 10.88.0.{host}/24 dev {INTERFACE}"))?;
            end.ip(&format!(
                "address add fd88::{host}/64 dev {INTERFACE} nodad"
            ))?;
            end.ip(&format!("link set {INTERFACE} up"))?;
        }
        let pair = Self { near, far };
        pair.wait_until_it_carries()?;
        Ok(pair)
    }

    /// The kernel tells IPv6 in its own time, up to a second, that there is a carrier.
    fn wait_until_it_carries(&self) -> Result<()> {
        for family in Family::BOTH {
            wait_for("the wire to carry packets", LONG, || {
                // Until then there may be no route either.
                let echo = Echo::new(&self.near, self.far_address(family));
                let answer = echo.and_then(|mut echo| echo.once(Duration::from_millis(50)));
                Ok(answer.ok().flatten())
            })?;
        }
        Ok(())
    }

    /// Tells each end the other's link-layer address, so that nobody has to ask, and there is no
    /// packet on the wire but those of the test.
    ///
    /// # Errors
    /// Where iproute2 refuses.
    pub fn know_each_other(&self) -> Result<()> {
        for (end, other, host) in [(&self.near, &self.far, 2), (&self.far, &self.near, 1)] {
            let shown = other.ip(&format!("-o link show {INTERFACE}"))?;
            let mut words = shown.split_whitespace();
            words.find(|word| *word == "link/ether");
            let hardware = words.next().context("no link-layer address")?;
            for address in [format!("10.88.0.{host}"), format!("fd88::{host}")] {
                end.ip(&format!(
                    "neighbour replace {address} lladdr {hardware} dev {INTERFACE} nud permanent"
                ))?;
            }
        }
        Ok(())
    }

    /// The address at the near end.
    pub fn near_address(&self, family: Family) -> IpAddr {
        address(family, 1)
    }

    /// The address at the far end.
    pub fn far_address(&self, family: Family) -> IpAddr {
        address(family, 2)
    }
}

fn address(family: Family, host: u8) -> IpAddr {
    match family {
        Family::V4 => Ipv4Addr::new(10, 88, 0, host).into(),
        Family::V6 => Ipv6Addr::new(0xfd88, 0, 0, 0, 0, 0, 0, host.into()).into(),
    }
}
