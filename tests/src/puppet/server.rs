//! A server that sends back what it gets, over TCP and UDP on one port, until its process ends.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream, UdpSocket},
    thread,
};

use anyhow::Result;

use crate::{Family, Pair};

/// Starts one at the far end of a pair; gives where it listens.
///
/// # Errors
/// Where it can't listen there.
pub fn far(pair: &Pair, family: Family) -> Result<SocketAddr> {
    let at = SocketAddr::new(pair.far_address(family), 0);
    pair.far.within(|| Ok(start(at)?))
}

/// Starts one in the calling thread's network namespace; gives where it listens.
///
/// # Errors
/// Where it can't listen there.
pub fn start(at: SocketAddr) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind(at)?;
    let at = listener.local_addr()?;
    let socket = UdpSocket::bind(at)?;
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || echo(stream));
        }
    });
    thread::spawn(move || {
        let mut buffer = [0; 2048];
        while let Ok((length, from)) = socket.recv_from(&mut buffer) {
            // Nobody there any more is no reason to stop.
            let _ = socket.send_to(&buffer[..length], from);
        }
    });
    Ok(at)
}

fn echo(mut stream: TcpStream) {
    let _ = stream.set_nodelay(true);
    let mut buffer = [0; 2048];
    while let Ok(length @ 1..) = stream.read(&mut buffer) {
        if stream.write_all(&buffer[..length]).is_err() {
            return;
        }
    }
}
