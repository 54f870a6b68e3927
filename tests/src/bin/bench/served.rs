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

use crate::{figures::Figures, host, order, report::Section};

/// How long wrk drives, as it is told: from one second to the next it differs from itself by more
/// than observing takes, so there are many short drives rather than a few long ones.
const DRIVEN: &str = "1s";
/// Turns that make a round.
const TURNS: usize = 6;

/// Connections of the steady caller, each asked once a millisecond.
const STEADY: usize = 10;

/// How long it calls.
const SPAN: Duration = Duration::from_secs(4);

/// A request, and how its answer ends, which is small enough to come in one piece.
type Exchange = (&'static [u8], &'static [u8]);

const SERVED: Exchange = (b"GET / HTTP/1.1\r\nHost: nginx\r\n\r\n", b"hello\n");
const REFUSED: Exchange = (
    b"GET /failing HTTP/1.1\r\nHost: nginx\r\n\r\n",
    b"</html>\r\n",
);

/// Of so many ticks, a connection's request fails in one, and in the next it is asked again: what
/// keeps those busy who look for resilience patterns.
const FAILS_IN: usize = 10;

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
    Ok(vec![
        busy(rounds, &PAGE)?,
        busy(rounds, &WORDS)?,
        steady(rounds)?,
    ])
}

/// What wrk asks for.
struct Asked {
    path: &'static str,
    title: &'static str,
    words: &'static str,
}

const PAGE: Asked = Asked {
    path: "page",
    title: "nginx under wrk, observed",
    words: "a page of 1 KiB from a file",
};

const WORDS: Asked = Asked {
    path: "",
    title: "The same, with next to nothing to serve",
    words: "six bytes from the configuration, which is the least that nginx can have to do",
};

/// What probe is asked to observe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Observed {
    Nothing,
    /// The callers' end and the server's.
    Everything,
    /// The server's network namespace: its end, as where its callers are on other hosts.
    Server,
}

const SETTINGS: [(&str, Observed); 4] = [
    ("probe absent", Observed::Nothing),
    ("probe absent, once more", Observed::Nothing),
    ("probe observe", Observed::Everything),
    ("probe observe, nginx's end", Observed::Server),
];

fn busy(rounds: usize, asked: &Asked) -> Result<Section> {
    let pair = Pair::new()?;
    let to = endpoint(pair.far_address(Family::V4));
    let _nginx = Nginx::with_workers(host::count(), &pair.far, to, Log::Nothing)?;
    // The first to come finds it cold.
    drive(&pair, to, asked.path)?;
    let turns = rounds * TURNS;
    let mut rates: Vec<_> = SETTINGS.iter().map(|_| Figures::default()).collect();
    let mut shares = rates.clone();
    let mut taken: Vec<_> = SETTINGS.iter().map(|_| Taken::default()).collect();
    let server = format!("--netns {}", pair.far.name);
    for turn in 0..turns {
        let mut rate = [0.0; SETTINGS.len()];
        for place in order::of_round(SETTINGS.len(), turn) {
            let driven = || drive(&pair, to, asked.path);
            rate[place] = match SETTINGS[place].1 {
                Observed::Nothing => driven()?,
                Observed::Everything => taken[place].during("", driven)?,
                Observed::Server => taken[place].during(&server, driven)?,
            };
        }
        for (place, &figure) in rate.iter().enumerate() {
            rates[place].add(figure);
            shares[place].add(figure / rate[0] * 100.0);
        }
    }
    let row = |(place, (name, observed)): (usize, &(&str, Observed))| {
        let mut row = vec![(*name).to_owned()];
        row.extend(rates[place].spread(0));
        row.extend([0.25, 0.5, 0.75].map(|part| match place {
            0 => "–".to_owned(),
            _ => format!("{:.1}", shares[place].quantile(part)),
        }));
        row.extend(match observed {
            Observed::Nothing => ["–", "–", "–"].map(str::to_owned),
            _ => taken[place].cells(),
        });
        row
    };
    Ok(Section {
        title: asked.title,
        how: format!(
            "`cargo xtask bench observe`: wrk with 2 threads and 32 connections for {DRIVEN} over a \
             veth pair to nginx with a worker for each processor, nobody pinned, so that every \
             cycle taken is missed; it serves {}. {turns} turns, every other one backwards. \
             Requests a second; then the shares, in percent, of the one without probe of the same \
             turn, quartiles and median: the second row tells how far two differ that are alike, \
             the last one what is left where only the server's network namespace is asked for. \
             Then what probe itself took: percent of one processor in the median, its most memory \
             in MiB, and events lost in all turns.",
            asked.words
        ),
        columns: vec![
            "probe", "min", "median", "max", "lower %", "median %", "upper %", "CPU, %", "memory",
            "lost",
        ],
        rows: SETTINGS.iter().enumerate().map(row).collect(),
    })
}

/// Requests a second.
fn drive(pair: &Pair, to: SocketAddr, path: &str) -> Result<f64> {
    let mut command = Tool::find("wrk")?.command();
    command.args([
        "-t2",
        "-c32",
        &format!("-d{DRIVEN}"),
        &format!("http://{to}/{path}"),
    ]);
    wrk::rate(&run(&pair.near, &mut command, "")?)
}

fn steady(rounds: usize) -> Result<Section> {
    let pair = Pair::new()?;
    let to = endpoint(pair.far_address(Family::V4));
    let _nginx = Nginx::start(&pair.far, to, Log::Nothing)?;
    let mut rows = Vec::new();
    for (answers, fails) in [("all 200", false), ("one in ten 503", true)] {
        let (mut taken, mut made, mut rate) = (Taken::default(), 0, Figures::default());
        for _ in 0..rounds {
            let calls = taken.during("", || call_steadily(&pair, to, fails))?;
            rate.add(calls as f64 / SPAN.as_secs_f64());
            made += calls;
        }
        let mut row = vec![answers.to_owned(), format!("{:.0}", rate.median())];
        row.extend(taken.cpu.spread(2));
        row.push(format!("{:.1}", taken.memory.quantile(1.0)));
        row.extend([made, taken.calls, taken.lost].map(|it| it.to_string()));
        rows.push(row);
    }
    Ok(Section {
        title: "What observing takes at 10,000 calls a second",
        how: format!(
            "`cargo xtask bench observe`: {STEADY} connections to nginx over a veth pair, each asked \
             once a millisecond for {} s, {rounds} rounds. Calls a second; percent of one processor \
             that the process of `probe observe` took, by the scheduler's account (what its kernel \
             programs take is the callers'), the search for resilience patterns included; its most \
             memory in MiB. Calls are seen twice, as the caller's and as the server's.",
            SPAN.as_secs()
        ),
        columns: vec![
            "answers",
            "calls/s",
            "min CPU, %",
            "CPU, %",
            "max CPU, %",
            "memory",
            "calls",
            "seen",
            "lost",
        ],
        rows,
    })
}

/// Calls at an even pace, all of them well or not; how many calls.
fn call_steadily(pair: &Pair, to: SocketAddr, fails: bool) -> Result<u64> {
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
        // Each connection's turn to fail is another one's turn not to.
        let exchange =
            |place: usize| match fails && (tick as usize + place).is_multiple_of(FAILS_IN) {
                true => REFUSED,
                false => SERVED,
            };
        for (place, stream) in streams.iter_mut().enumerate() {
            stream.write_all(exchange(place).0)?;
        }
        for (place, stream) in streams.iter_mut().enumerate() {
            let mut answer = [0; 1_024];
            let length = stream.read(&mut answer)?;
            ensure!(
                answer[..length].ends_with(exchange(place).1),
                "half an answer"
            );
            calls += 1;
        }
    }
    Ok(calls)
}

impl Taken {
    /// Processor, memory and events lost, as cells of a table.
    fn cells(&self) -> [String; 3] {
        [
            format!("{:.1}", self.cpu.median()),
            format!("{:.1}", self.memory.quantile(1.0)),
            self.lost.to_string(),
        ]
    }

    /// Observes a target, or everything, while something is done, and accounts for it.
    fn during<T>(&mut self, target: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let mut probe = Probe::start(&format!("observe -v -o json {target}"))?;
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
