//! How long each of many packets is on its way, where no two are of one flow: what makes packets
//! of one flow wait for each other doesn't hold between them.

use std::{
    io,
    net::{SocketAddr, UdpSocket},
    os::fd::AsRawFd,
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result, ensure};

use crate::{Netns, socket};

/// The ports that packets are sent from begin here: one packet each.
const FIRST_PORT: u16 = 20_000;
/// Longer than any of them travels.
const PATIENCE: Duration = Duration::from_secs(2);

/// Sends `count` packets, each from a port of its own, so many a second; tells how many seconds
/// each was on its way, by the clock that the kernel stamps arrivals with.
///
/// # Errors
/// Where the kernel refuses, or not every packet arrives.
pub fn travel(
    from: &Netns,
    near: SocketAddr,
    to: &Netns,
    far: SocketAddr,
    count: u16,
    per_second: u64,
) -> Result<Vec<f64>> {
    let receiver = to.within(|| UdpSocket::bind(far).context("binding a receiver"))?;
    socket::make_room(&receiver)?;
    socket::stamp_arrivals(&receiver)?;
    receiver.set_read_timeout(Some(PATIENCE))?;
    let target = receiver.local_addr()?;
    let reader = thread::spawn(move || read(&receiver, count));
    from.within(|| {
        let began = Instant::now();
        for number in 0..count {
            let due = Duration::from_nanos(u64::from(number) * 1_000_000_000 / per_second);
            thread::sleep(due.saturating_sub(began.elapsed()));
            let port = FIRST_PORT + number;
            let sender = UdpSocket::bind(SocketAddr::new(near.ip(), port))
                .with_context(|| format!("binding port {port}"))?;
            sender.connect(target)?;
            sender.send(&now_ns().to_be_bytes())?;
        }
        Ok(())
    })?;
    let times = reader.join().expect("a receiver that reads")?;
    ensure!(
        times.len() == usize::from(count),
        "{} of {count} arrived",
        times.len()
    );
    Ok(times)
}

fn read(receiver: &UdpSocket, count: u16) -> Result<Vec<f64>> {
    let mut times = Vec::new();
    while times.len() < usize::from(count) {
        let mut sent = [0; 8];
        match socket::receive_stamped(receiver.as_raw_fd(), &mut sent) {
            Ok(arrived_ns) => {
                let travelled = arrived_ns.saturating_sub(u64::from_be_bytes(sent));
                times.push(travelled as f64 / 1e9);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            Err(error) => return Err(error).context("receiving"),
        }
    }
    Ok(times)
}

fn now_ns() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_nanos() as u64)
}
