//! A great many connections on the loopback addresses of a namespace: to a thousand dependencies,
//! or to few that are asked as fast as they answer. Each call is counted by who makes it.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener, TcpStream},
    ops::Range,
    process::{Child, ChildStdout, Command, Stdio},
    thread,
};

use anyhow::{Context, Result, bail, ensure};

use crate::Netns;

/// The port of those that are called in a rush.
const PORT: u16 = 7_070;

/// Address of a dependency that is called in a rush.
pub fn rushed(number: u32) -> SocketAddr {
    at(number, PORT)
}

fn at(number: u32, port: u16) -> SocketAddr {
    let first = u32::from(Ipv4Addr::new(127, 1, 0, 1));
    SocketAddrV4::new(Ipv4Addr::from(first + number), port).into()
}

/// The program that is one member of a crowd: `crowd PORT FIRST DEPENDENCIES CONNECTIONS`. Each
/// connection is called once, the first one again and again; told to go on, it calls the second and the
/// last.
///
/// # Errors
/// Where the kernel refuses.
pub fn member(arguments: &[u32]) -> Result<()> {
    let &[port, first, dependencies, each] = arguments else {
        bail!("crowd PORT FIRST DEPENDENCIES CONNECTIONS");
    };
    let port = u16::try_from(port)?;
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port))?;
    let mut pairs: Vec<(TcpStream, TcpStream)> = Vec::new();
    for _ in 0..each {
        for number in first..first + dependencies {
            let near = TcpStream::connect(at(number, port))
                .with_context(|| format!("connection {} to {number}", pairs.len()))?;
            near.set_nodelay(true)?;
            let (far, _) = listener.accept()?;
            far.set_nodelay(true)?;
            call(&near, &far)?;
            pairs.push((near, far));
        }
        // The first one is kept busy, so that it isn't the one idle longest.
        call(&pairs[0].0, &pairs[0].1)?;
    }
    println!("made");
    io::stdin().read_line(&mut String::new())?;
    // Of those idle since they were made, the oldest, and the newest.
    let newest = pairs.last().context("no connection")?;
    call(&pairs[1].0, &pairs[1].1)?;
    call(&newest.0, &newest.1)?;
    println!("called");
    io::stdin().read_line(&mut String::new())?;
    Ok(())
}

fn call(mut near: &TcpStream, mut far: &TcpStream) -> Result<()> {
    let mut byte = [0];
    near.write_all(b"?")?;
    far.read_exact(&mut byte)?;
    far.write_all(b"!")?;
    Ok(near.read_exact(&mut byte)?)
}

/// A process of a crowd. Ended when dropped.
#[derive(Debug)]
pub struct Member {
    child: Child,
    answers: BufReader<ChildStdout>,
    /// Number of its first dependency, and how many it has.
    pub dependencies: Range<u32>,
    port: u16,
}

impl Member {
    /// Starts one inside a namespace; `command` becomes it.
    ///
    /// # Errors
    /// Where it can't be started.
    pub fn start(
        mut command: Command,
        netns: &Netns,
        port: u16,
        dependencies: Range<u32>,
        connections: u32,
    ) -> Result<Self> {
        let numbers = [
            u32::from(port),
            dependencies.start,
            dependencies.len() as u32,
            connections,
        ];
        command.args(numbers.map(|it| it.to_string()));
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = netns.within(|| command.spawn().context("starting a crowd"))?;
        let answers = BufReader::new(child.stdout.take().context("no output")?);
        Ok(Self {
            child,
            answers,
            dependencies,
            port,
        })
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Where one of its dependencies is.
    pub fn address(&self, number: u32) -> SocketAddr {
        at(number, self.port)
    }

    /// Waits until it has done what it was to do.
    ///
    /// # Errors
    /// Where it ends without.
    pub fn wait_for(&mut self, word: &str) -> Result<()> {
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        ensure!(line.trim() == word, "the crowd said {line:?}");
        Ok(())
    }

    /// Lets it go on.
    ///
    /// # Errors
    /// Where it has ended.
    pub fn go_on(&mut self) -> Result<()> {
        let input = self.child.stdin.as_mut().context("no input")?;
        Ok(input.write_all(b"\n")?)
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Calls dependencies over a connection each, all at once, so many times each, and ends them.
///
/// # Errors
/// Where the kernel refuses, or an answer is not what it should be.
pub fn rush(netns: &Netns, dependencies: u32, calls: u32) -> Result<()> {
    let listener = netns.within(|| Ok(TcpListener::bind((Ipv4Addr::UNSPECIFIED, PORT))?))?;
    thread::scope(|scope| {
        let callers: Vec<_> = (0..dependencies)
            .map(|number| {
                let near = netns.within(|| Ok(TcpStream::connect(rushed(number))?))?;
                let (far, _) = listener.accept()?;
                scope.spawn(move || answer(far));
                Ok(scope.spawn(move || ask(near, calls)))
            })
            .collect::<Result<_>>()?;
        let done = callers.into_iter().map(|it| it.join().expect("no panic"));
        done.collect()
    })
}

fn answer(mut stream: TcpStream) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut question = [0; 64];
    while stream.read(&mut question)? > 0 {
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")?;
    }
    Ok(())
}

fn ask(mut stream: TcpStream, calls: u32) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut answer = [0; 64];
    for _ in 0..calls {
        stream.write_all(b"GET /rush HTTP/1.1\r\nHost: a\r\n\r\n")?;
        let length = stream.read(&mut answer)?;
        ensure!(answer[..length].ends_with(b"\r\n\r\n"), "{length} bytes");
    }
    Ok(())
}
