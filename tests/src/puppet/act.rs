//! What a puppet does: one command a line on standard input, one answer a line on standard
//! output. It ends with its input.
//!
//! `tcp ADDRESS`, `udp ADDRESS PORT` (its own port, 0 for any): the number of a connection, or `error ERRNO`, or `lost`.
//! `ask N`: `ok` where the far side answered with what it was sent, else `lost`. `burst N COUNT`:
//! sends so many packets. `close N`. `serve ADDRESS`: the port. `name NAME`.

use std::{
    collections::BTreeMap,
    ffi::CString,
    io::{self, BufRead, ErrorKind, Read, Write},
    net::{IpAddr, SocketAddr, TcpStream, UdpSocket},
    time::{Duration, Instant},
};

use super::server;

enum Connection {
    Tcp(TcpStream),
    Udp(UdpSocket),
}

#[derive(Default)]
struct Puppet {
    connections: BTreeMap<u32, Connection>,
    next: u32,
    asked: u64,
    patience: Duration,
}

/// Does what it is told until its input ends; an answer may take so long.
pub fn run(patience: Duration) {
    let mut puppet = Puppet {
        patience,
        ..Puppet::default()
    };
    for line in io::stdin().lock().lines().map_while(Result::ok) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let answer = puppet.act(&words).unwrap_or_else(|error| told(&error));
        println!("{answer}");
    }
}

fn told(error: &io::Error) -> String {
    match (error.kind(), error.raw_os_error()) {
        // The standard library's own, from `connect_timeout`.
        (ErrorKind::TimedOut, None) => "lost".into(),
        (_, Some(number)) => format!("error {number}"),
        (kind, None) => format!("error {kind}"),
    }
}

impl Puppet {
    fn act(&mut self, words: &[&str]) -> io::Result<String> {
        match words {
            ["tcp", to] => {
                let stream = TcpStream::connect_timeout(&address(to)?, self.patience)?;
                stream.set_nodelay(true)?;
                Ok(self.keep(Connection::Tcp(stream)))
            }
            ["udp", to, from] => {
                let to = address(to)?;
                let any = if to.is_ipv4() { "0.0.0.0" } else { "::" };
                let any: IpAddr = any.parse().map_err(io::Error::other)?;
                let socket = UdpSocket::bind((any, parsed(from)?))?;
                socket.connect(to)?;
                Ok(self.keep(Connection::Udp(socket)))
            }
            ["ask", number] => self.ask(parsed(number)?),
            ["burst", number, count] => self.burst(parsed(number)?, parsed(count)?),
            ["close", number] => {
                self.connections.remove(&parsed(number)?);
                Ok("ok".into())
            }
            ["serve", at] => Ok(server::start(address(at)?)?.port().to_string()),
            ["name", name] => {
                let name = CString::new(*name).map_err(io::Error::other)?;
                // SAFETY: a string that ends, for the length of the call.
                unsafe { libc::prctl(libc::PR_SET_NAME, name.as_ptr()) };
                Ok("ok".into())
            }
            other => Err(io::Error::other(format!("what is {other:?}"))),
        }
    }

    fn keep(&mut self, connection: Connection) -> String {
        self.next += 1;
        self.connections.insert(self.next, connection);
        self.next.to_string()
    }

    /// Sends a number of its own, and waits until it comes back.
    fn ask(&mut self, number: u32) -> io::Result<String> {
        self.asked += 1;
        let question = self.asked.to_be_bytes();
        let patience = self.patience;
        let connection = self.connection(number)?;
        connection.send(&question)?;
        let until = Instant::now() + patience;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok("lost".into());
            }
            match connection.receive(left) {
                Ok(answer) if answer == question => return Ok("ok".into()),
                // One that was lost before, and came late.
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok("lost".into()),
                Err(error) => return Err(error),
            }
        }
    }

    fn burst(&mut self, number: u32, count: u64) -> io::Result<String> {
        let connection = self.connection(number)?;
        for _ in 0..count {
            connection.send(&[0; 8])?;
        }
        Ok("ok".into())
    }

    fn connection(&mut self, number: u32) -> io::Result<&mut Connection> {
        let connection = self.connections.get_mut(&number);
        connection.ok_or_else(|| io::Error::other("no such connection"))
    }
}

impl Connection {
    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.write_all(bytes),
            Self::Udp(socket) => socket.send(bytes).map(drop),
        }
    }

    fn receive(&mut self, patience: Duration) -> io::Result<[u8; 8]> {
        let mut bytes = [0; 8];
        match self {
            Self::Tcp(stream) => {
                stream.set_read_timeout(Some(patience))?;
                stream.read_exact(&mut bytes)?;
            }
            Self::Udp(socket) => {
                socket.set_read_timeout(Some(patience))?;
                socket.recv(&mut bytes)?;
            }
        }
        Ok(bytes)
    }
}

fn address(text: &str) -> io::Result<SocketAddr> {
    text.parse().map_err(io::Error::other)
}

fn parsed<T: std::str::FromStr>(text: &str) -> io::Result<T> {
    let number = text.parse();
    number.map_err(|_| io::Error::other(format!("{text} is not a number")))
}
