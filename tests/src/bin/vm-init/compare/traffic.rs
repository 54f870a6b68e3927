//! UDP packets one way, each with the time at which it was sent.

use std::{
    io::ErrorKind,
    net::{SocketAddr, UdpSocket},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use ::tests::{Family, Pair, socket};
use anyhow::{Context, Result};

/// How long nothing has to come until all has.
const QUIET: Duration = Duration::from_millis(2_500);
/// The same where packets wait for seconds, and some much longer than others.
const LONG_QUIET: Duration = Duration::from_secs(20);
/// Length of a packet.
const LENGTH: usize = 200;
/// The rest of it is this, so that its checksum covers something.
const FILL: u8 = 0x5a;

/// Which flows the packets are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flows {
    /// All of one.
    One,
    /// Each of one of its own.
    Each,
}

/// What came.
#[derive(Debug, Default)]
pub(super) struct Arrivals {
    /// Numbers, as they came.
    pub(super) numbers: Vec<u64>,
    /// How long each took, in milliseconds.
    pub(super) took: Vec<f64>,
}

impl Arrivals {
    /// How many have to be taken out so that the rest is in order: all but the longest ascending
    /// part.
    pub(super) fn displaced(&self) -> u64 {
        let mut ends: Vec<u64> = Vec::new();
        for &number in &self.numbers {
            let at = ends.partition_point(|&end| end < number);
            match ends.get_mut(at) {
                Some(end) => *end = number,
                None => ends.push(number),
            }
        }
        (self.numbers.len() - ends.len()) as u64
    }
}

/// Sends packets from the near end to the far one.
pub(super) fn one_way(pair: &Pair, flows: Flows, count: u64, per_second: u64) -> Result<Arrivals> {
    let to = SocketAddr::new(pair.far_address(Family::V4), 9_001);
    let receiver = pair.far.within(|| {
        let receiver = UdpSocket::bind(to).context("binding a receiver")?;
        socket::make_room(&receiver)?;
        receiver.set_read_timeout(Some(match flows {
            Flows::One => QUIET,
            Flows::Each => LONG_QUIET,
        }))?;
        Ok(receiver)
    })?;
    let (began, sent) = (Instant::now(), AtomicBool::new(false));
    thread::scope(|scope| {
        let reading = scope.spawn(|| {
            read(
                &receiver,
                began,
                &sent,
                (flows == Flows::Each).then_some(count),
            )
        });
        let sending = pair
            .near
            .within(|| send(to, flows, count, per_second, began));
        sent.store(true, Ordering::Release);
        let arrivals = reading.join().expect("a reader that doesn't panic");
        sending.and(arrivals)
    })
}

fn send(to: SocketAddr, flows: Flows, count: u64, per_second: u64, began: Instant) -> Result<()> {
    let open = || UdpSocket::bind("0.0.0.0:0").context("binding a sender");
    let mut sender = open()?;
    let first = began.elapsed();
    for number in 0..count {
        let due = first + Duration::from_nanos(number * 1_000_000_000 / per_second);
        thread::sleep(due.saturating_sub(began.elapsed()));
        if flows == Flows::Each {
            sender = open()?;
        }
        let mut packet = [FILL; LENGTH];
        packet[..8].copy_from_slice(&number.to_be_bytes());
        packet[8..16].copy_from_slice(&(began.elapsed().as_nanos() as u64).to_be_bytes());
        sender.send_to(&packet, to).context("sending")?;
    }
    Ok(())
}

/// Reads until nothing comes any more, or all that is expected has.
fn read(
    receiver: &UdpSocket,
    began: Instant,
    sent: &AtomicBool,
    expected: Option<u64>,
) -> Result<Arrivals> {
    let mut arrivals = Arrivals::default();
    let mut packet = [0; LENGTH];
    loop {
        if expected == Some(arrivals.took.len() as u64) {
            return Ok(arrivals);
        }
        // Asked before it is waited, so that the whole wait was quiet.
        let all_sent = sent.load(Ordering::Acquire);
        match receiver.recv(&mut packet) {
            Ok(LENGTH) => {
                let at = began.elapsed().as_nanos() as u64;
                let word = |from: usize| {
                    let bytes = packet[from..from + 8].try_into().unwrap_or_default();
                    u64::from_be_bytes(bytes)
                };
                arrivals.numbers.push(word(0));
                arrivals.took.push((at - word(8).min(at)) as f64 / 1e6);
            }
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                if all_sent {
                    return Ok(arrivals);
                }
            }
            Err(error) => return Err(error).context("receiving"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_out_of_order_are_counted_once() {
        let displaced = |numbers: &[u64]| {
            let numbers = numbers.to_vec();
            let took = Vec::new();
            Arrivals { numbers, took }.displaced()
        };
        assert_eq!(displaced(&[0, 1, 2, 3]), 0);
        assert_eq!(displaced(&[0, 2, 3, 4, 1, 5]), 1);
        assert_eq!(displaced(&[3, 0, 1, 2, 7, 4, 5, 6]), 2);
    }
}
