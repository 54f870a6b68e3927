//! What observing costs a server that is as busy as it can be, and what `probe observe` takes
//! itself, then and at a steady 10,000 calls a second.

use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;
use serde_json::Value;
use tests::{
    Family, Pair, Probe,
    driver::{endpoint, run},
    servers::{Nginx, nginx::Log},
    tool::Tool,
    wrk,
};

use crate::{figures::Figures, host, report::Section};

/// How long wrk drives, as it is told.
const DRIVEN: &str = "3s";

/// Connections of the steady caller, each asked once a millisecond.
const STEADY: usize = 10;

/// How long it calls.
const SPAN: Duration = Duration::from_secs(4);

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: nginx\r\n\r\n";

/// What a probe took while it observed.
#[derive(Debug, Default)]
struct Taken {
    /// Percent of one processor.
    cpu: Figures,
    /// Most memory that it ever had, in MiB.
    memory: Figures,
    /// Calls it saw, once as the caller's and once as the server's.
    calls: u64,
    /// Events that it lost.
    lost: u64,
}

pub(crate) fn measure(rounds: usize) -> Result<Vec<Section>> {
    Ok(vec![busy(rounds)?, steady(rounds)?])
}

fn busy(rounds: usize) -> Result<Section> {
    let pair = Pair::new()?;
    let to = endpoint(pair.far_address(Family::V4));
    let _nginx = Nginx::with_workers(host::count(), &pair.far, to, Log::Nothing)?;
    // The first to come finds it cold.
    drive(&pair, to, "1s")?;
    let (mut without, mut with, mut taken) =
        (Figures::default(), Figures::default(), Taken::default());
    let mut ratios = Figures::default();
    for round in 0..rounds {
        let order = [round % 2 == 1, round % 2 == 0];
        let mut rates = [0.0; 2];
        for observed in order {
            rates[usize::from(observed)] = match observed {
                false => drive(&pair, to, DRIVEN)?,
                true => taken.during(|| drive(&pair, to, DRIVEN))?,
            };
        }
        without.add(rates[0]);
        with.add(rates[1]);
        ratios.add(rates[1] / rates[0] * 100.0);
    }
    let mut absent = vec!["probe absent".to_owned()];
    absent.extend(without.spread(0));
    absent.extend(["100.0", "–", "–", "–"].map(str::to_owned));
    let mut observing = vec!["probe observe".to_owned()];
    observing.extend(with.spread(0));
    observing.push(format!("{:.1}", ratios.median()));
    observing.extend([
        format!("{:.1}", taken.cpu.median()),
        format!("{:.1}", taken.memory.quantile(1.0)),
        taken.lost.to_string(),
    ]);
    Ok(Section {
        title: "nginx under wrk, observed",
        how: format!(
            "`cargo xtask bench observe`: wrk with 2 threads and 32 connections for {DRIVEN} over a \
             veth pair to nginx with a worker for each processor, nobody pinned, so that every \
             cycle taken is missed; {rounds} rounds, the rows taking turns. Requests a second; \
             the share is the median of the rounds' own; then what probe itself took: percent \
             of one processor, its most memory in MiB, and events lost in all rounds."
        ),
        columns: vec![
            "probe", "min", "median", "max", "share, %", "CPU, %", "memory", "lost",
        ],
        rows: vec![absent, observing],
    })
}

/// Requests a second.
fn drive(pair: &Pair, to: SocketAddr, span: &str) -> Result<f64> {
    let mut command = Tool::find("wrk")?.command();
    command.args([
        "-t2",
        "-c32",
        &format!("-d{span}"),
        &format!("http://{to}/"),
    ]);
    wrk::rate(&run(&pair.near, &mut command, "")?)
}

fn steady(rounds: usize) -> Result<Section> {
    let pair = Pair::new()?;
    let to = endpoint(pair.far_address(Family::V4));
    let _nginx = Nginx::start(&pair.far, to, Log::Nothing)?;
    let (mut taken, mut made, mut rate) = (Taken::default(), 0, Figures::default());
    for _ in 0..rounds {
        let calls = taken.during(|| call_steadily(&pair, to))?;
        rate.add(calls as f64 / SPAN.as_secs_f64());
        made += calls;
    }
    let mut row = vec![format!("{:.0}", rate.median())];
    row.extend(taken.cpu.spread(2));
    row.push(format!("{:.1}", taken.memory.quantile(1.0)));
    row.extend([made, taken.calls, taken.lost].map(|it| it.to_string()));
    Ok(Section {
        title: "What observing takes at 10,000 calls a second",
        how: format!(
            "`cargo xtask bench observe`: {STEADY} connections to nginx over a veth pair, each asked \
             once a millisecond for {} s, {rounds} rounds. Calls a second; percent of one processor \
             that the process of `probe observe` took, by the scheduler's account (what its kernel \
             programs take is the callers'); its most memory in MiB. Calls are seen twice, as the \
             caller's and as the server's.",
            SPAN.as_secs()
        ),
        columns: vec![
            "calls/s",
            "min CPU, %",
            "CPU, %",
            "max CPU, %",
            "memory",
            "calls",
            "seen",
            "lost",
        ],
        rows: vec![row],
    })
}

/// Calls at an even pace; how many calls.
fn call_steadily(pair: &Pair, to: SocketAddr) -> Result<u64> {
    let connect = || {
        let stream = TcpStream::connect(to).context("connecting")?;
        stream.set_nodelay(true)?;
        Ok(stream)
    };
    let mut streams = pair
        .near
        .within(|| (0..STEADY).map(|_| connect()).collect::<Result<Vec<_>>>())?;
    let (began, mut calls) = (Instant::now(), 0);
    for tick in 0..SPAN.as_millis() as u32 {
        let due = began + Duration::from_millis(1) * tick;
        thread::sleep(due.saturating_duration_since(Instant::now()));
        for stream in &mut streams {
            stream.write_all(REQUEST)?;
        }
        for stream in &mut streams {
            // Small enough to come in one piece.
            let mut answer = [0; 1_024];
            let length = stream.read(&mut answer)?;
            ensure!(answer[..length].ends_with(b"hello\n"), "half an answer");
            calls += 1;
        }
    }
    Ok(calls)
}

impl Taken {
    /// Observes while something is done, and accounts for it.
    fn during<T>(&mut self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let mut probe = Probe::start("observe -v -o json")?;
        probe.wait_for("observing")?;
        let (before, began) = (processor_time(probe.pid())?, Instant::now());
        let done = work()?;
        let took = processor_time(probe.pid())? - before;
        let span = began.elapsed();
        self.cpu
            .add(took.as_secs_f64() / span.as_secs_f64() * 100.0);
        self.memory.add(most_memory(probe.pid())?);
        let summary = probe.end(Signal::SIGINT)?.json()?;
        self.lost += summary["lost_events"].as_u64().unwrap_or(0);
        for list in ["dependencies", "services"] {
            let all = summary[list].as_array().into_iter().flatten();
            let calls = all.filter_map(|it: &Value| it["calls"].as_u64());
            self.calls += calls.sum::<u64>();
        }
        Ok(done)
    }
}

/// What a process' threads took, by the scheduler's account.
fn processor_time(pid: u32) -> Result<Duration> {
    let mut nanoseconds = 0;
    for thread in fs::read_dir(format!("/proc/{pid}/task"))?.flatten() {
        let account = fs::read_to_string(thread.path().join("schedstat"))?;
        let run = account.split(' ').next().context("an empty schedstat")?;
        nanoseconds += run.parse::<u64>()?;
    }
    Ok(Duration::from_nanos(nanoseconds))
}

/// The most memory that a process ever had, in MiB.
fn most_memory(pid: u32) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next());
    Ok(kilobytes.context("no VmHWM")?.parse::<f64>()? / 1_024.0)
}
