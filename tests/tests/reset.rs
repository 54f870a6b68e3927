//! Reset: both ends of a connection hear of it at once, whoever sends, and a connection that is
//! being made is refused.

use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    ops::RangeInclusive,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;
use tests::{
    Family, Netns, Pair, Probe, offload::finish_checksums, pair::INTERFACE, place::Place,
    snmp::Snmp, turn::Turn,
};

const PORT: u16 = 8_081;
/// More than one packet of a wire, so that frames to be cut later are sent: as many as the
/// sender thinks fit.
const LARGE: usize = 40_000;
const PATIENCE: Duration = Duration::from_secs(20);
/// A first SYN that is sent again comes later.
const AT_ONCE: Duration = Duration::from_millis(900);

#[test]
#[ignore = "needs root"]
fn both_ends_hear_of_it_whoever_sends() -> Result<()> {
    let _turn = Turn::together()?;
    let pair = Pair::new()?;
    for place in Place::all(&pair) {
        for length in [1, LARGE] {
            let before = Errors::of(&place)?;
            let mut line = Line::new(place.near, place.far, place.at(PORT))?;
            let probe = reset(place.near, &line.to.to_string(), "egress")?;
            line.caller.write_all(&vec![b'x'; length])?;
            is_reset(&mut line.caller)?;
            is_reset(&mut line.called)?;
            is_refused(place.near, line.to)?;
            ends_with(probe, if length == 1 { 2..=2 } else { 2..=99 })?;
            before.have_not_grown(&place)?;
            // As before, once it is over.
            Line::again(place.near, &line)?;
        }
    }
    Ok(())
}

#[test]
#[ignore = "needs root"]
fn also_by_what_comes_from_the_endpoint() -> Result<()> {
    let _turn = Turn::together()?;
    let pair = Pair::new()?;
    for place in Place::all(&pair) {
        for length in [1, LARGE] {
            let before = Errors::of(&place)?;
            let mut line = Line::new(place.near, place.far, place.at(PORT))?;
            let probe = reset(place.near, &line.to.to_string(), "ingress")?;
            line.called.write_all(&vec![b'x'; length])?;
            is_reset(&mut line.called)?;
            is_reset(&mut line.caller)?;
            is_refused(place.near, line.to)?;
            ends_with(probe, if length == 1 { 2..=2 } else { 2..=99 })?;
            before.have_not_grown(&place)?;
        }
    }
    Ok(())
}

/// Without offloads, a packet that arrives has a finished checksum: so have the resets.
#[test]
#[ignore = "needs root"]
fn where_checksums_are_finished_they_are_right() -> Result<()> {
    let _turn = Turn::together()?;
    let pair = Pair::new()?;
    for end in [&pair.near, &pair.far] {
        finish_checksums(end, INTERFACE)?;
    }
    for family in Family::BOTH {
        let place = Place {
            near: &pair.near,
            far: &pair.far,
            address: pair.far_address(family),
        };
        let before = Errors::of(&place)?;
        let mut line = Line::new(place.near, place.far, place.at(PORT))?;
        let caller = SocketAddr::new(pair.near_address(family), line.caller.local_addr()?.port());
        let probe = reset(place.far, &caller.to_string(), "ingress")?;
        line.caller.write_all(b"x")?;
        is_reset(&mut line.called)?;
        is_reset(&mut line.caller)?;
        ends_with(probe, 1..=1)?;
        before.have_not_grown(&place)?;
    }
    Ok(())
}

/// A connection, and who could take another.
struct Line {
    to: SocketAddr,
    caller: TcpStream,
    called: TcpStream,
    listener: TcpListener,
}

impl Line {
    fn new(near: &Netns, far: &Netns, to: SocketAddr) -> Result<Self> {
        let listener = far.within(|| TcpListener::bind(to).context("binding a listener"))?;
        let caller = near.within(|| TcpStream::connect(to).context("connecting"))?;
        let (called, _) = listener.accept()?;
        for end in [&caller, &called] {
            end.set_nodelay(true)?;
            end.set_read_timeout(Some(PATIENCE))?;
        }
        Ok(Self {
            to,
            caller,
            called,
            listener,
        })
    }

    /// Another connection like it carries what is sent.
    fn again(near: &Netns, like: &Self) -> Result<()> {
        let mut caller = near.within(|| TcpStream::connect(like.to).context("connecting again"))?;
        let (mut called, _) = like.listener.accept()?;
        called.set_read_timeout(Some(PATIENCE))?;
        caller.write_all(b"x")?;
        called.read_exact(&mut [0]).context("after it is over")
    }
}

fn reset(netns: &Netns, to: &str, direction: &str) -> Result<Probe> {
    Probe::inject(&format!(
        "reset --to {to} --direction {direction} --netns {} --for 10m",
        netns.name
    ))
}

fn is_reset(end: &mut TcpStream) -> Result<()> {
    let read = end.read(&mut [0; 64]);
    let kind = read.as_ref().map_err(std::io::Error::kind);
    ensure!(kind == Err(ErrorKind::ConnectionReset), "{read:?}");
    Ok(())
}

fn is_refused(netns: &Netns, to: SocketAddr) -> Result<()> {
    let began = Instant::now();
    let connected = netns.within(|| Ok(TcpStream::connect(to)))?;
    let took = began.elapsed();
    let kind = connected.as_ref().map_err(std::io::Error::kind);
    ensure!(
        matches!(
            kind,
            Err(ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset)
        ),
        "{connected:?}"
    );
    ensure!(took < AT_ONCE, "refused after {took:?}");
    Ok(())
}

/// So many packets were made resets, and every other is accounted for.
fn ends_with(probe: Probe, fair: RangeInclusive<u64>) -> Result<()> {
    let ended = probe.end(Signal::SIGINT)?;
    let resets = ended.counter("reset")?;
    ensure!(fair.contains(&resets), "{ended:?}");
    let sum = resets + ended.counter("passed")?;
    ensure!(ended.counter("seen")? == sum, "{ended:?}");
    Ok(())
}

/// Segments that either end's stack rejected.
struct Errors([Snmp; 2]);

impl Errors {
    fn of(place: &Place) -> Result<Self> {
        Ok(Self([Snmp::of(place.near)?, Snmp::of(place.far)?]))
    }

    fn have_not_grown(&self, place: &Place) -> Result<()> {
        for (before, netns) in self.0.iter().zip([place.near, place.far]) {
            let rejected = Snmp::of(netns)?.growth("TcpInErrs", before);
            ensure!(rejected == 0, "{rejected} segments rejected");
        }
        Ok(())
    }
}
