//! The programs of labelled cases, started in a namespace.

use std::{
    io::{BufRead, BufReader, Lines},
    path::PathBuf,
    process::{Child, ChildStdout, Command, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
};

use anyhow::{Context, Result, bail};

use super::case::Client;
use crate::{Netns, programs, tool::Tool};

/// Where the randomness of every program comes from.
const SEED: &str = "PATTERN_SEED";
/// Where Node's packages are.
const PACKAGES: &str = "PATTERN_PACKAGES";

/// A child that is ended with its owner.
pub(super) struct Guest {
    child: Child,
    /// What it says of itself, line by line.
    said: Option<Receiver<String>>,
}

/// A change of a breaker's state, as the breaker itself tells it.
#[derive(Clone, Debug)]
pub(super) struct Change {
    /// By the monotonic clock.
    pub(super) at_ns: u64,
    pub(super) state: String,
}

impl Guest {
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// How its breaker changed so far, in order.
    pub(super) fn changes(&self) -> Vec<Change> {
        let lines = self.said.iter().flat_map(Receiver::try_iter);
        let changes = lines.filter_map(|line| {
            let (at_ns, state) = line.split_once(' ')?;
            Some(Change {
                at_ns: at_ns.parse().ok()?,
                state: state.to_owned(),
            })
        });
        changes.collect()
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts what answers, and calls services among the clients.
pub(super) fn server(netns: &Netns, words: &[String], seed: u64) -> Result<Guest> {
    let mut command = python("server.py")?;
    command.args(words).env(SEED, seed.to_string());
    start(netns, &mut command, true)
}

/// Starts a client.
pub(super) fn client(
    netns: &Netns,
    client: &Client,
    (server, port): (&str, &str),
    seed: u64,
) -> Result<Guest> {
    let mut command = match &*client.program {
        "curl" => curl(client, server, port)?,
        program => {
            let mut command = match program {
                "python" => python("client.py")?,
                "node" => node()?,
                "rust" => Command::new(programs::built_beside("pattern-client")?),
                other => bail!("there is no program {other}"),
            };
            command.args([server, port]);
            command.arg(client.configuration.to_string());
            command
        }
    };
    command.env(SEED, seed.to_string());
    // curl says nothing of itself.
    start(netns, &mut command, client.program != "curl")
}

/// One curl that gets one path after the other: a process for each would be another caller each.
fn curl(client: &Client, server: &str, port: &str) -> Result<Command> {
    let mut curl = Tool::find("curl")?.command();
    // First, or ~/.curlrc is read.
    curl.arg("--disable");
    let arguments = client.configuration["arguments"].as_array();
    for argument in arguments.context("curl has no arguments")? {
        curl.arg(argument.as_str().context("no text")?);
    }
    curl.arg("--silent");
    curl.arg(format!("http://{server}:{port}/item/[1-1000000]"));
    Ok(curl)
}

fn node() -> Result<Command> {
    let mut node = Tool::find("node")?.command();
    node.env(PACKAGES, Tool::packages_with_patterns()?);
    node.arg(script("client.mjs"));
    Ok(node)
}

fn python(name: &str) -> Result<Command> {
    let mut python = Tool::python_with_patterns()?;
    python.arg(script(name));
    Ok(python)
}

fn script(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "patterns", name]
        .iter()
        .collect()
}

/// Starts a program and waits until it says that it is ready, if it ever does.
fn start(netns: &Netns, command: &mut Command, says_ready: bool) -> Result<Guest> {
    let words = format!("{command:?}");
    command.stdin(Stdio::null()).stdout(match says_ready {
        true => Stdio::piped(),
        // Not by `curl --output /dev/null`: it would cut the file short before it tries again, which
        // this one can't be, and give up.
        false => Stdio::null(),
    });
    let child = netns.within(|| command.spawn().with_context(|| words.clone()))?;
    let mut guest = Guest { child, said: None };
    if let Some(stdout) = guest.child.stdout.take() {
        let mut lines = BufReader::new(stdout).lines();
        match lines.next().transpose()? {
            Some(line) if line.trim() == "ready" => {}
            other => bail!("{words}: said {other:?}"),
        }
        guest.said = Some(listen(lines));
    }
    Ok(guest)
}

/// Goes on to listen, so that no program finds nobody there.
fn listen(lines: Lines<BufReader<ChildStdout>>) -> Receiver<String> {
    let (tell, said) = mpsc::channel();
    thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            if tell.send(line).is_err() {
                return;
            }
        }
    });
    said
}
