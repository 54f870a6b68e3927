//! Faults that know what a packet says, each once, in both families, counted exactly.

use std::{
    io::{ErrorKind, Read, Write},
    net::{TcpListener, TcpStream},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use tests::{
    Pair, Probe, http,
    place::Place,
    resolver::{A, AAAA, Asked, Resolver, ask},
};

use super::faults::{counts, end};

const PORT: u16 = 8_080;
/// Long enough for anything in an emulated machine.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) fn reset() -> Result<()> {
    let pair = Pair::new()?;
    Place::all(&pair)[..2].iter().try_for_each(reset_at)
}

pub(crate) fn reset_on_loopback() -> Result<()> {
    let pair = Pair::new()?;
    Place::all(&pair)[2..].iter().try_for_each(reset_at)
}

/// Both ends hear of it, and the next connection is refused.
fn reset_at(place: &Place) -> Result<()> {
    let to = place.at(PORT);
    let listener = place.far.within(|| Ok(TcpListener::bind(to)?))?;
    let mut caller = place.near.within(|| Ok(TcpStream::connect(to)?))?;
    let (mut called, _) = listener.accept()?;
    let probe = inject(place, "reset", PORT)?;
    caller.write_all(b"x")?;
    for end in [&mut caller, &mut called] {
        end.set_read_timeout(Some(PATIENCE))?;
        let read = end.read(&mut [0]).map_err(|error| error.kind());
        ensure!(read == Err(ErrorKind::ConnectionReset), "{read:?}");
    }
    let connected = place.near.within(|| Ok(TcpStream::connect(to)))?;
    let kind = connected.as_ref().map_err(std::io::Error::kind);
    ensure!(
        matches!(kind, Err(ErrorKind::ConnectionRefused)),
        "{connected:?}"
    );
    counts(&end(probe)?, "reset", 2)
}

pub(crate) fn http_status() -> Result<()> {
    let pair = Pair::new()?;
    for place in Place::all(&pair) {
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".to_vec();
        let tls = b"\x17\x03\x03\x00\x05hello".to_vec();
        let answers = vec![answer.clone(), tls.clone(), answer.clone()];
        let server = http::Server::new(place.far, place.at(PORT), answers)?;
        let probe = inject(&place, "http-status 503", PORT)?;
        let lengths = [answer.len(), tls.len(), answer.len()];
        let came = http::ask(place.near, server.address, &lengths)?;
        server.finish()?;
        let ended = end(probe)?;
        let mut changed = answer;
        changed[9..12].copy_from_slice(b"503");
        ensure!(came == [changed.clone(), tls, changed], "{came:?}");
        counts(&ended, "rewritten", 2)?;
    }
    Ok(())
}

pub(crate) fn dns() -> Result<()> {
    let pair = Pair::new()?;
    Place::all(&pair)[..2].iter().try_for_each(dns_at)
}

pub(crate) fn dns_on_loopback() -> Result<()> {
    let pair = Pair::new()?;
    Place::all(&pair)[2..].iter().try_for_each(dns_at)
}

/// A name that fits is denied, another is answered by the server.
fn dns_at(place: &Place) -> Result<()> {
    let resolver = Resolver::new(place.far, place.at(53))?;
    let probe = inject(place, "dns nxdomain --name *.internal", 53)?;
    for kind in [A, AAAA] {
        let fits = ask(place.near, place.at(53), "pay.Internal", kind)?;
        ensure!(fits == Asked::Failure(3), "{}: {fits:?}", place.address);
        let other = ask(place.near, place.at(53), "pay.example", kind)?;
        ensure!(other == Asked::Address, "{}: {other:?}", place.address);
    }
    let ended = end(probe)?;
    ensure!(resolver.asked() == 2, "{} came", resolver.asked());
    counts(&ended, "rewritten", 2)?;
    counts(&ended, "passed", 2)
}

fn inject(place: &Place, fault: &str, port: u16) -> Result<Probe> {
    let (to, netns) = (place.at(port), &place.near.name);
    Probe::inject(&format!("{fault} --to {to} --netns {netns} --for 10m"))
        .with_context(|| format!("{fault} on {to}"))
}
