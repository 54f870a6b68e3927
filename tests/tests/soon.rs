//! How soon a verdict is on the screen, once what it rests on has happened.

use std::{
    env,
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, bail, ensure};
use tests::{Family, Pair, screen::Screen, turn::Turn};

const SIZE: (u16, u16) = (160, 50);
/// As few as a timeout of less than half a second is told from, where nobody calls after that.
const ENOUGH: u32 = 3;
const TIMEOUT: Duration = Duration::from_millis(400);
/// How many more there may be on a busy machine, and how long each time nothing is told before.
const MORE: u32 = 5;
const SURELY: Duration = Duration::from_secs(5);
const WORDS: &str = "timeout observed";

/// Calls who never answers and gives up; tells when.
fn give_up(to: SocketAddr) -> Result<Instant> {
    let mut stream = TcpStream::connect(to)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: nobody\r\n\r\n")?;
    match stream.read(&mut [0; 16]) {
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
        other => bail!("an answer: {other:?}"),
    }
    drop(stream);
    Ok(Instant::now())
}

/// From the end of the last call that it takes to the words on the screen.
fn once() -> Result<Duration> {
    let pair = Pair::new()?;
    let to = SocketAddr::new(pair.far_address(Family::V4), 0);
    let silent = pair.far.within(|| Ok(TcpListener::bind(to)?))?;
    let to = silent.local_addr()?;
    let mut screen = Screen::start(&format!("watch --netns {}", pair.near.name), SIZE)?;
    screen.wait_until_shown("watch")?;
    let shown = pair.near.within(|| {
        let mut last = Instant::now();
        for _ in 0..ENOUGH {
            thread::sleep(TIMEOUT / 2);
            last = give_up(to)?;
        }
        for _ in 0..MORE {
            let shown = screen.wait_so_long_until_shown(WORDS, SURELY);
            if let Ok(at) = shown {
                return Ok(at.saturating_duration_since(last));
            }
            // One of them was late itself, and is alike no other.
            last = give_up(to)?;
        }
        bail!("{ENOUGH} calls and {MORE} more were given up, and nothing is told")
    })?;
    screen.press("q")?;
    let status = screen.finish()?;
    ensure!(status.success(), "{status}");
    Ok(shown)
}

/// `PROBE_VERDICTS` has it done more often.
#[test]
#[ignore = "needs root"]
fn a_verdict_is_shown_without_another_call() -> Result<()> {
    let _turn = Turn::together()?;
    let times = match env::var("PROBE_VERDICTS") {
        Ok(times) => times.parse()?,
        Err(_) => 2,
    };
    let mut after = (0..times).map(|_| once()).collect::<Result<Vec<_>>>()?;
    after.sort_unstable();
    let (median, most) = (after[after.len() / 2], after[after.len() - 1]);
    println!(
        "{times} times verdict shown, {median:?} after its evidence in the median, {most:?} at most"
    );
    Ok(())
}
