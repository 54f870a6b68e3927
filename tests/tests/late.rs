//! Who connects in the very moment in which an observer comes is known all the same.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;
use tests::{Probe, turn::Turn};

/// Longest that a turn of the caller who connects again and again takes by itself.
const PAUSE: Duration = Duration::from_millis(1);

#[test]
#[ignore = "needs root"]
fn who_connects_while_it_begins_is_known_by_name() -> Result<()> {
    let _turn = Turn::together()?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let to = listener.local_addr()?;
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            thread::spawn(move || {
                let mut word = [0];
                while matches!(stream.read(&mut word), Ok(1)) && stream.write_all(&word).is_ok() {}
            });
        }
    });
    let begun = AtomicBool::new(false);
    let (mut streams, probe) = thread::scope(|scope| {
        let connecting = scope.spawn(|| {
            let mut streams = Vec::new();
            while !begun.load(Ordering::Relaxed) {
                streams.push(TcpStream::connect(to)?);
                thread::sleep(PAUSE);
            }
            anyhow::Ok(streams)
        });
        let begin = || {
            let mut probe = Probe::start(&format!("observe -v -o json --to {to}"))?;
            probe.wait_for("observing")?;
            anyhow::Ok(probe)
        };
        let probe = begin();
        begun.store(true, Ordering::Relaxed);
        let streams = connecting.join().ok().context("a caller panicked")??;
        anyhow::Ok((streams, probe?))
    })?;
    for stream in &mut streams {
        let mut word = *b"?";
        stream.write_all(&word)?;
        stream.read_exact(&mut word)?;
    }
    probe.signal(Signal::SIGINT)?;
    let document = probe.finish()?.json()?;
    let calls = streams.len() as u64;
    println!("{calls} connections");
    let dependencies = document["dependencies"].as_array().context("none")?;
    let mine = dependencies
        .iter()
        .filter(|it| it["service"]["pid"] == std::process::id());
    let seen: u64 = mine.filter_map(|it| it["calls"].as_u64()).sum();
    ensure!(seen == calls, "{seen} of {calls}: {document:#}");
    Ok(())
}
