//! A server that answers each line it gets with bytes that were agreed on, and a client that
//! reads until it has as many: nothing here knows HTTP, so that every byte can be compared.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    thread::{self, JoinHandle},
    time::Duration,
};

use anyhow::{Context, Result};

use crate::Netns;

/// How long either side waits for the other.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server for one connection.
#[derive(Debug)]
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    thread: JoinHandle<Result<()>>,
}

impl Server {
    /// Answers the n-th byte it gets with the n-th answer, each written by itself.
    ///
    /// # Errors
    /// Where the kernel refuses.
    pub fn new(netns: &Netns, address: SocketAddr, answers: Vec<Vec<u8>>) -> Result<Self> {
        let listener = netns.within(|| TcpListener::bind(address).context("binding a server"))?;
        let address = listener.local_addr()?;
        let thread = thread::spawn(move || {
            let (mut stream, _) = listener.accept().context("accepting")?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            for answer in &answers {
                stream.read_exact(&mut [0]).context("waiting to be asked")?;
                stream.write_all(answer).context("answering")?;
            }
            // Until the client has read everything.
            let _ = stream.read(&mut [0]);
            Ok(())
        });
        Ok(Self { address, thread })
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// Where it could not answer.
    pub fn finish(self) -> Result<()> {
        self.thread.join().expect("a server that doesn't panic")
    }
}

/// Asks for answers of those lengths, one after the other; what came.
///
/// # Errors
/// Where less comes.
pub fn ask(netns: &Netns, server: SocketAddr, lengths: &[usize]) -> Result<Vec<Vec<u8>>> {
    let mut stream = netns.within(|| TcpStream::connect(server).context("connecting"))?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut answers = Vec::new();
    for &length in lengths {
        stream.write_all(b"?").context("asking")?;
        let mut answer = vec![0; length];
        stream
            .read_exact(&mut answer)
            .context("reading an answer")?;
        answers.push(answer);
    }
    Ok(answers)
}
