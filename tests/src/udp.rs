//! UDP with nothing unaccounted for: a sender that would hear of every error, and a receiver that
//! writes down the number of each packet that came.

use std::{
    io::ErrorKind,
    net::{IpAddr, SocketAddr, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use crate::{Netns, socket};

/// Packets a burst: few enough for the shortest queue on the way.
const BURST: u64 = 32;

/// Bytes of a packet's number, which is at its beginning and, turned over, once more after that.
const NUMBER: usize = 8;

/// A sender inside a network namespace.
#[derive(Debug)]
pub struct Sender {
    socket: UdpSocket,
    payload: Vec<u8>,
    sent: u64,
}

impl Sender {
    /// Makes one that sends packets of `length` bytes from `port`, or from any with 0.
    ///
    /// # Errors
    /// Where the kernel refuses.
    pub fn new(netns: &Netns, to: SocketAddr, port: u16, length: usize) -> Result<Self> {
        let socket = netns.within(|| {
            let socket = UdpSocket::bind(any(to.ip(), port)).context("binding a sender")?;
            socket.connect(to).context("connecting a sender")?;
            socket::hear_errors(&socket)?;
            socket::make_room(&socket)?;
            Ok(socket)
        })?;
        Ok(Self {
            socket,
            payload: payload(length.max(2 * NUMBER)),
            sent: 0,
        })
    }

    /// Sends `count` packets, so many a second.
    ///
    /// # Errors
    /// On the first error that a sender can hear of.
    pub fn send(&mut self, count: u64, per_second: u64) -> Result<()> {
        let began = Instant::now();
        for number in 0..count {
            if number % BURST == 0 {
                let due = Duration::from_nanos(number * 1_000_000_000 / per_second);
                thread::sleep(due.saturating_sub(began.elapsed()));
            }
            self.payload[..NUMBER].copy_from_slice(&self.sent.to_be_bytes());
            self.payload[NUMBER..2 * NUMBER].copy_from_slice(&(!self.sent).to_be_bytes());
            let sent = self.socket.send(&self.payload);
            sent.with_context(|| format!("sending packet {}", self.sent))?;
            if socket::has_error(&self.socket)? {
                bail!(
                    "packet {}: there is something in the error queue",
                    self.sent
                );
            }
            self.sent += 1;
        }
        Ok(())
    }
}

/// A receiver inside a network namespace; it reads until it is asked what came.
#[derive(Debug)]
pub struct Receiver {
    /// Where it listens.
    pub address: SocketAddr,
    asked: Arc<AtomicBool>,
    reader: JoinHandle<Received>,
}

/// What a receiver got.
#[derive(Clone, Debug, Default)]
pub struct Received {
    /// Numbers of the packets that came unchanged, in the order in which they came.
    pub numbers: Vec<u64>,
    /// In how many bits each of the others differs from what was sent.
    pub changed: Vec<u32>,
}

impl Received {
    /// How many packets came.
    pub fn count(&self) -> u64 {
        (self.numbers.len() + self.changed.len()) as u64
    }
}

impl Receiver {
    /// Makes one that listens on an address.
    ///
    /// # Errors
    /// Where the kernel refuses.
    pub fn new(netns: &Netns, address: SocketAddr) -> Result<Self> {
        let socket = netns.within(|| {
            let socket = UdpSocket::bind(address).context("binding a receiver")?;
            socket::make_room(&socket)?;
            Ok(socket)
        })?;
        let address = socket.local_addr()?;
        let asked = Arc::new(AtomicBool::new(false));
        let is_asked = Arc::clone(&asked);
        let reader = thread::spawn(move || read(&socket, &is_asked));
        Ok(Self {
            address,
            asked,
            reader,
        })
    }

    /// Waits until nothing more comes for a while, longer than anything can be on its way, and
    /// tells what came.
    ///
    /// # Panics
    /// If reading failed.
    pub fn finish(self) -> Received {
        self.asked.store(true, Ordering::Release);
        self.reader.join().expect("a receiver that reads")
    }
}

/// Longer than anything here is on its way.
const QUIET: Duration = Duration::from_millis(400);

fn read(socket: &UdpSocket, is_asked: &AtomicBool) -> Received {
    socket.set_read_timeout(Some(QUIET)).expect("a timeout");
    let mut received = Received::default();
    let mut buffer = [0; 65536];
    let mut template = Vec::new();
    loop {
        // Asked before it is waited, so that the whole wait was quiet.
        let asked = is_asked.load(Ordering::Acquire);
        match socket.recv(&mut buffer) {
            Ok(length) => {
                if template.len() != length {
                    template = payload(length);
                }
                received.note(&buffer[..length], &template);
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                if asked {
                    return received;
                }
            }
            // Whoever was stopped, and goes on, is told so instead of having waited.
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => panic!("receiving: {error}"),
        }
    }
}

impl Received {
    /// Tells a packet as it was sent from one that was changed on its way.
    fn note(&mut self, packet: &[u8], template: &[u8]) {
        let (number, turned) = (word(packet, 0), !word(packet, NUMBER));
        let rest = packet.iter().zip(template).skip(2 * NUMBER);
        let differs: u32 = rest.map(|(is, was)| (is ^ was).count_ones()).sum();
        match differs + (number ^ turned).count_ones() {
            0 => self.numbers.push(number),
            bits => self.changed.push(bits),
        }
    }
}

fn word(packet: &[u8], at: usize) -> u64 {
    let mut bytes = [0; NUMBER];
    let there = packet.get(at..at + NUMBER).unwrap_or(&[0; NUMBER]);
    bytes.copy_from_slice(there);
    u64::from_be_bytes(bytes)
}

/// What a packet of that length is filled with, its number aside.
fn payload(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at * 167 + 13) as u8).collect()
}

/// Any address of a family.
fn any(like: IpAddr, port: u16) -> SocketAddr {
    match like {
        IpAddr::V4(_) => ([0; 4], port).into(),
        IpAddr::V6(_) => ([0u16; 8], port).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flipped_bit_is_noticed() {
        let template = payload(20);
        let mut packet = template.clone();
        packet[..8].copy_from_slice(&7u64.to_be_bytes());
        packet[8..16].copy_from_slice(&(!7u64).to_be_bytes());
        let mut received = Received::default();
        received.note(&packet, &template);
        for bit in 0..packet.len() * 8 {
            packet[bit / 8] ^= 1 << (bit % 8);
            received.note(&packet, &template);
            packet[bit / 8] ^= 1 << (bit % 8);
        }
        assert_eq!(received.numbers, [7]);
        assert_eq!(received.changed, vec![1; packet.len() * 8]);
    }
}
