//! An ICMP echo client: round trips by CLOCK_MONOTONIC, and exactly as many packets as asked for.

use std::{
    net::IpAddr,
    sync::atomic::{AtomicU16, Ordering},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};

use crate::{Netns, socket::Socket};

/// Tells the clients of one process apart.
static NEXT: AtomicU16 = AtomicU16::new(0);

/// A client inside a network namespace.
#[derive(Debug)]
pub struct Echo {
    socket: Socket,
    to: IpAddr,
    identity: u16,
    sent: u16,
}

/// What came of a series of requests.
#[derive(Clone, Debug, Default)]
pub struct Replies {
    /// How many requests were sent.
    pub sent: u64,
    /// Round trips of those that were answered, by when they were sent.
    pub round_trips: Vec<Duration>,
    /// Whether answers came in the order of the requests.
    pub in_order: bool,
    /// When each request was sent, and its round trip, if there was an answer.
    pub requests: Vec<(Instant, Option<Duration>)>,
}

impl Replies {
    /// The median round trip.
    ///
    /// # Panics
    /// If there was no answer.
    pub fn median(&self) -> Duration {
        let mut sorted = self.round_trips.clone();
        sorted.sort();
        let median = sorted.get(sorted.len() / 2);
        *median.unwrap_or_else(|| panic!("none of {} requests was answered", self.sent))
    }

    /// When the last request was sent that took longer than `limit` or had no answer.
    pub fn last_beyond(&self, limit: Duration) -> Option<Instant> {
        let beyond = |trip: Option<Duration>| trip.is_none_or(|trip| trip > limit);
        let mut requests = self.requests.iter().rev();
        requests.find(|(_, trip)| beyond(*trip)).map(|(at, _)| *at)
    }

    /// How many requests had no answer.
    pub fn lost(&self) -> u64 {
        self.sent - self.round_trips.len() as u64
    }
}

impl Echo {
    /// Makes a client that asks `to`.
    ///
    /// # Errors
    /// Where the kernel refuses; it takes root.
    pub fn new(netns: &Netns, to: IpAddr) -> Result<Self> {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Ok(Self {
            socket: netns.within(|| Socket::icmp(to))?,
            to,
            identity: (std::process::id() as u16).rotate_left(6) ^ number,
            sent: 0,
        })
    }

    /// Sends `count` requests, one each `interval`, and waits for the answers; for the last ones
    /// at most `patience`.
    ///
    /// # Errors
    /// Where sending fails.
    pub fn ask(&mut self, count: u16, interval: Duration, patience: Duration) -> Result<Replies> {
        let (began, first, count) = (Instant::now(), self.sent, usize::from(count));
        let mut sent_at: Vec<Instant> = Vec::new();
        let mut answered: Vec<Option<Duration>> = vec![None; count];
        let mut order = Vec::new();
        while order.len() < count {
            let all_sent = sent_at.len() == count;
            let until = match sent_at.last() {
                Some(&last) if all_sent => last + patience,
                _ => began + interval * sent_at.len() as u32,
            };
            if Instant::now() >= until {
                if all_sent {
                    break;
                }
                sent_at.push(Instant::now());
                self.send()?;
            } else if let Some((number, at)) = self.receive(until)? {
                let place = usize::from(number.wrapping_sub(first));
                if place < sent_at.len() && answered[place].is_none() {
                    answered[place] = Some(at - sent_at[place]);
                    order.push(place);
                }
            }
        }
        Ok(Replies {
            sent: count as u64,
            round_trips: answered.iter().copied().flatten().collect(),
            in_order: order.is_sorted(),
            requests: sent_at.into_iter().zip(answered).collect(),
        })
    }

    /// One request; how long its answer took, if there was one in `patience`.
    ///
    /// # Errors
    /// Where sending fails.
    pub fn once(&mut self, patience: Duration) -> Result<Option<Duration>> {
        let replies = self.ask(1, Duration::ZERO, patience)?;
        Ok(replies.round_trips.first().copied())
    }

    fn send(&mut self) -> Result<()> {
        let kind = if self.to.is_ipv4() { 8 } else { 128 };
        let mut packet = [0u8; 64];
        packet[0] = kind;
        packet[4..6].copy_from_slice(&self.identity.to_be_bytes());
        packet[6..8].copy_from_slice(&self.sent.to_be_bytes());
        if self.to.is_ipv4() {
            // For IPv6 the kernel does it.
            let sum = checksum(&packet);
            packet[2..4].copy_from_slice(&sum.to_be_bytes());
        }
        self.sent = self.sent.wrapping_add(1);
        let sent = self
            .socket
            .send(&packet)
            .context("sending an echo request")?;
        ensure!(sent == packet.len(), "half an echo request");
        Ok(())
    }

    /// The number of the next answer to this client and when it came.
    fn receive(&self, until: Instant) -> Result<Option<(u16, Instant)>> {
        let left = until.saturating_duration_since(Instant::now());
        if !self.socket.wait(left)? {
            return Ok(None);
        }
        let mut buffer = [0; 2048];
        let length = self.socket.receive(&mut buffer)?;
        let packet = &buffer[..length];
        let at = Instant::now();
        let (packet, kind) = match self.to {
            IpAddr::V4(_) => (packet.get(usize::from(packet[0] & 15) * 4..), 0),
            IpAddr::V6(_) => (Some(packet), 129),
        };
        Ok(packet
            .filter(|packet| packet.len() >= 8 && packet[0] == kind)
            .filter(|packet| packet[4..6] == self.identity.to_be_bytes())
            .map(|packet| (u16::from_be_bytes([packet[6], packet[7]]), at)))
    }
}

/// The checksum of RFC 1071.
fn checksum(bytes: &[u8]) -> u16 {
    let sum = bytes
        .chunks(2)
        .map(|pair| u32::from(pair[0]) << 8 | pair.get(1).map_or(0, |&low| u32::from(low)))
        .sum::<u32>();
    let folded = (sum & 0xffff) + (sum >> 16);
    !(((folded & 0xffff) + (folded >> 16)) as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_makes_the_sum_all_ones() {
        let mut packet = [8, 0, 0, 0, 0x12, 0x34, 0, 7, 0xff];
        assert_eq!(checksum(&[0, 1, 0xf2, 3, 0xf4, 0xf5, 0xf6, 0xf7]), 0x220d);
        let sum = checksum(&packet).to_be_bytes();
        packet[2..4].copy_from_slice(&sum);
        assert_eq!(checksum(&packet), 0);
    }

    #[test]
    fn the_median_is_in_the_middle() {
        let replies = Replies {
            sent: 4,
            round_trips: [3, 9, 1].map(Duration::from_millis).to_vec(),
            in_order: true,
            requests: Vec::new(),
        };
        assert_eq!(replies.median(), Duration::from_millis(3));
        assert_eq!(replies.lost(), 1);
    }
}
