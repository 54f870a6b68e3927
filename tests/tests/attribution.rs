//! Each call says which fault it was in, whichever process armed it, and calls outside of one say
//! that they weren't.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tests::{Family, Netns, Pair, Probe, turn::Turn, watch::Watch};

const PATIENCE: Duration = Duration::from_secs(1);

/// Answers one request a connection, for as long as the test runs.
fn serve(netns: &Netns, address: SocketAddr) -> Result<SocketAddr> {
    let listener = netns.within(|| TcpListener::bind(address).context("binding a server"))?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let _ = answer(stream);
        }
    });
    Ok(address)
}

fn answer(mut stream: TcpStream) -> Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut request = [0; 64];
    if stream.read(&mut request)? > 0 {
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")?;
    }
    Ok(())
}

/// One request on a connection of its own; tells whether it was answered.
fn ask(netns: &Netns, to: SocketAddr) -> Result<bool> {
    netns.within(|| {
        let Ok(mut stream) = TcpStream::connect_timeout(&to, PATIENCE) else {
            return Ok(false);
        };
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(b"GET / HTTP/1.1\r\n\r\n")?;
        Ok(matches!(stream.read(&mut [0; 64]), Ok(1..)))
    })
}

/// Asks while a fault holds, and once more when it is over. It holds for longer than an observer
/// takes to notice it.
fn ask_under(pair: &Pair, to: SocketAddr, fault: &str, is_answered: bool) -> Result<()> {
    let netns = &pair.near.name;
    let (to_ip, time) = (to.ip(), "1500ms");
    let probe = Probe::inject(&format!(
        "{fault} --to {to_ip} --netns {netns} --for {time}"
    ))?;
    ensure!(ask(&pair.near, to)? == is_answered, "under {fault}");
    ensure!(probe.finish()?.code() == 0, "{fault} did nothing");
    ensure!(ask(&pair.near, to)?, "not answered after {fault}");
    Ok(())
}

#[test]
#[ignore = "needs root"]
fn each_call_says_which_fault_it_was_in() -> Result<()> {
    let _turn = Turn::together()?;
    let pair = Pair::new()?;
    for family in Family::BOTH {
        let to = serve(&pair.far, SocketAddr::new(pair.far_address(family), 0))?;
        let watch = Watch::start(to)?;
        ensure!(ask(&pair.near, to)?, "not answered");
        ask_under(&pair, to, "delay 50ms", true)?;
        ask_under(&pair, to, "http-status 503", true)?;
        ask_under(&pair, to, "blackhole", false)?;
        ask_under(&pair, to, "refuse", false)?;
        let seen = watch.finish()?;
        let told: Vec<_> = seen.calls.iter().map(words).collect();
        let fine = "ok -";
        let expected = [
            fine,
            "ok delay 50ms",
            fine,
            "error http-status 503",
            fine,
            "connect_timeout blackhole",
            fine,
            "refused refuse with ECONNREFUSED",
            fine,
        ];
        ensure!(told == expected, "{family:?}: {told:#?}");
    }
    Ok(())
}

/// A process that does nothing but be there, until it is dropped.
struct Resident(Child);

impl Drop for Resident {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A pool keeps its connections for long: most of them were there before whoever looks on.
#[test]
#[ignore = "needs root"]
fn calls_on_a_connection_that_was_there_before_say_so_as_well() -> Result<()> {
    let _turn = Turn::together()?;
    let pair = Pair::new()?;
    for family in Family::BOTH {
        let far = SocketAddr::new(pair.far_address(family), 0);
        let listener = pair.far.within(|| Ok(TcpListener::bind(far)?))?;
        let to = listener.local_addr()?;
        thread::spawn(move || {
            let (mut stream, _) = listener.accept()?;
            let mut request = [0; 64];
            while stream.read(&mut request)? > 0 {
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")?;
            }
            anyhow::Ok(())
        });
        // Sockets are looked for in the namespaces of processes.
        let _resident = Resident(pair.near.within(|| {
            let mut sleep = Command::new("sleep");
            Ok(sleep.arg("20").stdin(Stdio::null()).spawn()?)
        })?);
        let mut stream = pair.near.within(|| Ok(TcpStream::connect(to)?))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut ask = || {
            stream.write_all(b"GET / HTTP/1.1\r\n\r\n")?;
            anyhow::Ok(stream.read(&mut [0; 64])?)
        };
        let watch = Watch::start(to)?;
        ask()?;
        let (ip, netns) = (to.ip(), &pair.near.name);
        let fault = format!("http-status 503 --to {ip} --netns {netns} --for 1500ms");
        let probe = Probe::inject(&fault)?;
        ask()?;
        ensure!(probe.finish()?.code() == 0, "it did nothing");
        let told: Vec<_> = watch.finish()?.calls.iter().map(words).collect();
        let expected = ["ok -", "error http-status 503"];
        ensure!(told == expected, "{family:?}: {told:#?}");
    }
    Ok(())
}

/// How a call ended, and the fault it was in.
fn words(call: &Value) -> String {
    let word = |name: &str| call[name].as_str().unwrap_or("-").to_owned();
    format!("{} {}", word("outcome"), word("fault"))
}
