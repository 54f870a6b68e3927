//! Round trips of one byte over a TCP connection between two namespaces, each end on a
//! processor of its own.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use tests::{Family, Pair};

use crate::{figures::Figures, host};

/// How long they go on.
const SPAN: Duration = Duration::from_millis(1_500);

/// Takes round trips; microseconds each.
pub(crate) fn take(pair: &Pair) -> Result<Figures> {
    let address = SocketAddr::new(pair.far_address(Family::V4), 0);
    let listener = pair
        .far
        .within(|| TcpListener::bind(address).context("binding a listener"))?;
    let to = listener.local_addr()?;
    thread::scope(|scope| {
        let answering = scope.spawn(move || answer(&listener));
        let asked = pair.near.within(|| ask(to));
        answering.join().expect("an answerer that doesn't panic")?;
        asked
    })
}

fn ask(to: SocketAddr) -> Result<Figures> {
    host::pin(0)?;
    let mut stream = TcpStream::connect(to).context("connecting")?;
    stream.set_nodelay(true)?;
    let mut byte = [0];
    let mut figures = Figures::default();
    let began = Instant::now();
    while began.elapsed() < SPAN {
        let sent = Instant::now();
        stream.write_all(&byte)?;
        stream.read_exact(&mut byte)?;
        figures.add(sent.elapsed().as_secs_f64() * 1e6);
    }
    Ok(figures)
}

fn answer(listener: &TcpListener) -> Result<()> {
    host::pin(1)?;
    let (mut stream, _) = listener.accept().context("accepting")?;
    stream.set_nodelay(true)?;
    let mut byte = [0];
    while stream.read(&mut byte)? == 1 {
        stream.write_all(&byte)?;
    }
    Ok(())
}
