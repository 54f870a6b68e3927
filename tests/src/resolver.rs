//! A name server that answers every question with one address, unless the name's first label says
//! otherwise, and who asks it: a socket that checks that the answer is to its question.

use std::{
    io::ErrorKind,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use anyhow::{Context, Result, bail};

use crate::Netns;

/// Types of what is asked for.
pub const A: u16 = 1;
/// See [`A`].
pub const AAAA: u16 = 28;

/// The addresses that it gives.
pub const ADDRESSES: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::new(10, 9, 8, 7)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 9)),
];

const HEADER: usize = 12;
/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_millis(700);

/// A name server inside a network namespace. Ended when dropped.
#[derive(Debug)]
pub struct Resolver {
    asked: Arc<AtomicU64>,
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Resolver {
    /// Starts one.
    ///
    /// # Errors
    /// Where the kernel refuses.
    pub fn new(netns: &Netns, address: SocketAddr) -> Result<Self> {
        let socket = netns.within(|| UdpSocket::bind(address).context("binding a name server"))?;
        socket.set_read_timeout(Some(Duration::from_millis(50)))?;
        let asked = Arc::new(AtomicU64::new(0));
        let ended = Arc::new(AtomicBool::new(false));
        let (counted, is_ended) = (Arc::clone(&asked), Arc::clone(&ended));
        let thread = thread::spawn(move || {
            let mut question = [0; 1_500];
            while !is_ended.load(Ordering::Acquire) {
                match socket.recv_from(&mut question) {
                    Ok((length, from)) => {
                        counted.fetch_add(1, Ordering::AcqRel);
                        reply(&socket, &question[..length], from);
                    }
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                    Err(error) => panic!("receiving a question: {error}"),
                }
            }
        });
        Ok(Self {
            asked,
            ended,
            thread: Some(thread),
        })
    }

    /// How many questions came.
    pub fn asked(&self) -> u64 {
        self.asked.load(Ordering::Acquire)
    }
}

impl Drop for Resolver {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// How long an answer takes to a name whose first label is "slow".
pub const SLOW: Duration = Duration::from_millis(40);

fn reply(socket: &UdpSocket, question: &[u8], to: SocketAddr) {
    let label = &question[HEADER + 1..][..usize::from(question[HEADER])];
    let mut answer = answer(question);
    match label {
        b"silent" => return,
        b"nx" => answer[3] = 0x83,
        b"servfail" => answer[3] = 0x82,
        b"slow" => {
            let socket = socket.try_clone().expect("another of the same socket");
            thread::spawn(move || {
                thread::sleep(SLOW);
                let _ = socket.send_to(&answer, to);
            });
            return;
        }
        _ => {}
    }
    let _ = socket.send_to(&answer, to);
}

/// Somebody who asks many questions by one socket.
#[derive(Debug)]
pub struct Asker {
    socket: UdpSocket,
    server: SocketAddr,
    is_connected: bool,
}

impl Asker {
    /// With a socket inside a namespace, connected to the server or not.
    ///
    /// # Errors
    /// Where the kernel refuses.
    pub fn new(netns: &Netns, server: SocketAddr, is_connected: bool) -> Result<Self> {
        let any = if server.is_ipv4() {
            "0.0.0.0:0"
        } else {
            "[::]:0"
        };
        let socket = netns.within(|| {
            let socket = UdpSocket::bind(any)?;
            if is_connected {
                socket.connect(server)?;
            }
            Ok(socket)
        })?;
        socket.set_read_timeout(Some(Duration::from_secs(10)))?;
        Ok(Self {
            socket,
            server,
            is_connected,
        })
    }

    /// Asks, and waits for nothing.
    ///
    /// # Errors
    /// Where it can't be sent.
    pub fn ask(&self, id: u16, name: &str, kind: u16) -> Result<()> {
        let mut question = question(name, kind);
        question[..2].copy_from_slice(&id.to_be_bytes());
        if self.is_connected {
            self.socket.send(&question).context("asking")?;
        } else {
            self.socket
                .send_to(&question, self.server)
                .context("asking")?;
        }
        Ok(())
    }

    /// The number and the code of the next answer.
    ///
    /// # Errors
    /// Where none comes.
    pub fn answer(&self) -> Result<(u16, u8)> {
        let mut answer = [0; 1_500];
        self.socket.recv(&mut answer).context("an answer")?;
        Ok((u16::from_be_bytes([answer[0], answer[1]]), answer[3] & 0xf))
    }
}

/// Asks once by a socket of its own; the whole answer, and the question as it was sent.
///
/// # Errors
/// Where an answer comes that belongs to no question.
pub fn ask(netns: &Netns, server: SocketAddr, name: &str, kind: u16) -> Result<Asked> {
    let any: IpAddr = match server {
        SocketAddr::V4(_) => [0; 4].into(),
        SocketAddr::V6(_) => [0u16; 8].into(),
    };
    let socket = netns.within(|| {
        let socket = UdpSocket::bind((any, 0)).context("binding")?;
        socket.connect(server).context("connecting")?;
        Ok(socket)
    })?;
    socket.set_read_timeout(Some(PATIENCE))?;
    let question = question(name, kind);
    socket.send(&question).context("asking")?;
    let mut answer = vec![0; 1_500];
    match socket.recv(&mut answer) {
        Ok(length) => answer.truncate(length),
        Err(error) if error.kind() == ErrorKind::WouldBlock => answer.clear(),
        Err(error) => return Err(error).context("waiting for an answer"),
    }
    if answer.is_empty() {
        return Ok(Asked::Nothing);
    }
    let end = question.len();
    let is_answer = answer.len() >= end && answer[2] & 0x80 != 0;
    if !is_answer || answer[..2] != question[..2] || answer[HEADER..end] != question[HEADER..end] {
        bail!("{answer:?} doesn't answer {question:?}");
    }
    Ok(match (answer[3] & 0x0f, answer[7]) {
        (0, 1) => Asked::Address,
        (code, _) => Asked::Failure(code),
    })
}

/// What came of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// The address that the server gives.
    Address,
    /// An answer with that response code and no address.
    Failure(u8),
    /// No answer.
    Nothing,
}

fn question(name: &str, kind: u16) -> Vec<u8> {
    let mut message = vec![0x12, 0x34, 0x01, 0x20, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.') {
        message.push(label.len() as u8);
        message.extend(label.bytes());
    }
    message.push(0);
    message.extend(kind.to_be_bytes());
    message.extend([0, 1]);
    message
}

/// The question, and one address if it is for addresses.
fn answer(question: &[u8]) -> Vec<u8> {
    let mut end = HEADER;
    while question[end] != 0 {
        end += usize::from(question[end]) + 1;
    }
    end += 5;
    let [v4, v6] = ADDRESSES;
    let address = match (question[end - 3], v4, v6) {
        (1, IpAddr::V4(v4), _) => v4.octets().to_vec(),
        (28, _, IpAddr::V6(v6)) => v6.octets().to_vec(),
        _ => Vec::new(),
    };
    let mut message = question[..end].to_vec();
    message[2..4].copy_from_slice(&[0x81, 0x80]);
    message[6..HEADER].copy_from_slice(&[0, u8::from(!address.is_empty()), 0, 0, 0, 0]);
    if !address.is_empty() {
        message.extend([0xc0, HEADER as u8]);
        message.extend(&question[end - 4..end]);
        message.extend([0, 0, 0, 60, 0, address.len() as u8]);
        message.extend(&address);
    }
    message
}
