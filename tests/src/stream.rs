//! One TCP stream from one namespace to another, whose every byte is checked.

use std::{
    io::{Read, Write},
    mem::size_of,
    net::{SocketAddr, TcpListener, TcpStream},
    os::fd::AsRawFd,
    thread,
    time::Duration,
};

use anyhow::{Context, Result, ensure};

use crate::Netns;

/// How long either side waits for the other before it gives up.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is sent again and again; a length that no segment has, so that a lost or repeated one
/// shows.
const PATTERN: usize = 65_521;

/// What a transfer cost.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// How long it took.
    pub took: Duration,
    /// Segments that the sender sent again.
    pub retransmits: u32,
}

/// Sends `bytes` from `near` to an address of `far`, which checks each of them.
///
/// # Errors
/// Where a byte is not what was sent, or one side gives up.
pub fn transfer(near: &Netns, far: &Netns, to: SocketAddr, bytes: u64) -> Result<Cost> {
    let listener = far.within(|| TcpListener::bind(to).context("binding a listener"))?;
    let to = listener.local_addr()?;
    thread::scope(|scope| {
        let checking = scope.spawn(move || check(&listener, bytes));
        let sent = near.within(|| send(to, bytes));
        let checked = checking.join().expect("a checker that doesn't panic");
        checked.and(sent)
    })
}

fn send(to: SocketAddr, bytes: u64) -> Result<Cost> {
    let began = std::time::Instant::now();
    let mut stream = TcpStream::connect_timeout(&to, PATIENCE).context("connecting")?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let pattern = pattern();
    let mut left = bytes;
    while left > 0 {
        let length = left.min(pattern.len() as u64) as usize;
        stream.write_all(&pattern[..length]).context("sending")?;
        left -= length as u64;
    }
    stream.shutdown(std::net::Shutdown::Write)?;
    // The other side closes when it has checked everything.
    stream
        .read_to_end(&mut Vec::new())
        .context("being heard out")?;
    Ok(Cost {
        took: began.elapsed(),
        retransmits: retransmits(&stream)?,
    })
}

fn check(listener: &TcpListener, bytes: u64) -> Result<()> {
    let (mut stream, _) = listener.accept().context("accepting")?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let pattern = pattern();
    let mut buffer = vec![0; pattern.len()];
    let mut received = 0u64;
    loop {
        let length = stream.read(&mut buffer).context("receiving")?;
        if length == 0 {
            break;
        }
        let from = (received % pattern.len() as u64) as usize;
        let first = length.min(pattern.len() - from);
        let is_sent = buffer[..first] == pattern[from..from + first]
            && buffer[first..length] == pattern[..length - first];
        ensure!(is_sent, "a byte after {received} is not what was sent");
        received += length as u64;
    }
    ensure!(received == bytes, "{received} bytes of {bytes}");
    Ok(())
}

fn pattern() -> Vec<u8> {
    (0..PATTERN).map(|at| (at * 31 + at / 251) as u8).collect()
}

fn retransmits(stream: &TcpStream) -> Result<u32> {
    // SAFETY: all zero is a valid tcp_info: it is numbers only.
    let mut info: libc::tcp_info = unsafe { std::mem::zeroed() };
    let mut length = size_of::<libc::tcp_info>() as libc::socklen_t;
    // SAFETY: the socket is open; `info` and `length` are valid for the write.
    let code = unsafe {
        libc::getsockopt(
            stream.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_INFO,
            (&raw mut info).cast(),
            &raw mut length,
        )
    };
    ensure!(
        code == 0,
        "reading TCP_INFO: {}",
        std::io::Error::last_os_error()
    );
    Ok(info.tcpi_total_retrans)
}
