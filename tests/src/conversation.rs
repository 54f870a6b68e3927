//! A TCP connection that somebody types over: one line out, the same line back, again and again.
//! What a session over SSH looks like to the network.

use std::{
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    thread,
    time::Duration,
};

use anyhow::{Context, Result};

use crate::Netns;

/// A server inside a namespace that says back what it hears, to everybody. It goes with the test.
#[derive(Clone, Copy, Debug)]
pub struct Parrot {
    /// Where it listens.
    pub address: SocketAddr,
}

impl Parrot {
    /// Starts one.
    ///
    /// # Errors
    /// Where the kernel refuses.
    pub fn new(netns: &Netns, address: SocketAddr) -> Result<Self> {
        let listener = netns.within(|| {
            TcpListener::bind(address).with_context(|| format!("listening on {address}"))
        })?;
        let address = listener.local_addr()?;
        thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                thread::spawn(move || repeat(&stream));
            }
        });
        Ok(Self { address })
    }
}

fn repeat(stream: &TcpStream) {
    let mut lines = BufReader::new(stream);
    let mut line = String::new();
    while lines.read_line(&mut line).is_ok_and(|length| length > 0) {
        if (&mut &*stream).write_all(line.as_bytes()).is_err() {
            return;
        }
        line.clear();
    }
}

/// Somebody who talks to a parrot.
#[derive(Debug)]
pub struct Talker {
    stream: BufReader<TcpStream>,
}

impl Talker {
    /// Connects from inside a namespace.
    ///
    /// # Errors
    /// Where nobody answers.
    pub fn new(netns: &Netns, parrot: Parrot) -> Result<Self> {
        let to = parrot.address;
        let stream = netns.within(|| {
            TcpStream::connect_timeout(&to, Duration::from_secs(5))
                .with_context(|| format!("connecting to {to}"))
        })?;
        stream.set_nodelay(true)?;
        let stream = BufReader::new(stream);
        Ok(Self { stream })
    }

    /// This end, and the other.
    ///
    /// # Errors
    /// The kernel's.
    pub fn ends(&self) -> Result<(SocketAddr, SocketAddr)> {
        let stream = self.stream.get_ref();
        Ok((stream.local_addr()?, stream.peer_addr()?))
    }

    /// Says so many lines, each once the one before was said back; how many were, until one
    /// wasn't within `patience`.
    ///
    /// # Errors
    /// Where the connection breaks.
    pub fn talk(&mut self, lines: usize, patience: Duration) -> Result<usize> {
        self.stream.get_ref().set_read_timeout(Some(patience))?;
        for said in 0..lines {
            let line = format!("line {said}\n");
            self.stream.get_mut().write_all(line.as_bytes())?;
            let mut back = String::new();
            match self.stream.read_line(&mut back) {
                Ok(_) if back == line => {}
                _ => return Ok(said),
            }
        }
        Ok(lines)
    }
}
