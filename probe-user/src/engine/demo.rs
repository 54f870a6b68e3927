//! The demo: a game day on this machine, on a shop in network namespaces of its own.
//!
//! The shop is another program, `lab`, that knows nothing of probe. It is started here, and goes
//! when this process does, however that ends: it watches its standard input.

use std::{
    io::{self, BufRead, BufReader, Read},
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{self, RecvTimeoutError},
    time::Duration,
};

use anyhow::{Context, Result, anyhow, bail};

use crate::scenario::Scenario;

/// The demo's game day.
const SCENARIO: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../scenarios/payments-slow.toml"
));
/// How long the lab may take to be there, or to be gone.
const PATIENCE: Duration = Duration::from_secs(20);

/// The demo's scenario, and its text.
///
/// # Errors
/// Never, once the tests pass.
pub fn scenario() -> Result<(Scenario, String)> {
    let scenario = Scenario::parse(SCENARIO, "payments-slow.toml");
    let scenario = scenario.map_err(|error| anyhow!("{error}"))?;
    Ok((scenario, SCENARIO.to_owned()))
}

/// A lab that runs.
pub struct Lab {
    child: Child,
    stdin: Option<ChildStdin>,
    said: mpsc::Receiver<String>,
}

impl Lab {
    /// Starts the lab, with some of the shop's patterns taken out, and waits until it sells.
    /// What it says meanwhile is logged, so that it doesn't get into the dashboard.
    ///
    /// # Errors
    /// Where there is no lab, or it can't start; it has said why on standard error.
    pub fn start(without: &[String]) -> Result<Self> {
        let program = find()?;
        let mut child = Command::new(&program)
            .args(["up", "--until-stdin-closes"])
            .args(without.iter().flat_map(|pattern| ["--without", pattern]))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // A Ctrl-C at the terminal is probe's: the lab goes after the faults have.
            .process_group(0)
            .spawn()
            .with_context(|| format!("starting the lab: {}", program.display()))?;
        let stdin = child.stdin.take();
        let stdout = child
            .stdout
            .take()
            .context("the lab has no standard output")?;
        let stderr = child
            .stderr
            .take()
            .context("the lab has no standard error")?;
        let said = lines_of(stdout);
        let complaints = lines_of(stderr);
        let lab = Self { child, stdin, said };
        match lab.said.recv_timeout(PATIENCE) {
            Ok(line) if line.contains("\"ready\"") => Ok(lab),
            Err(RecvTimeoutError::Timeout) => {
                bail!("the lab is not ready after {} s", PATIENCE.as_secs())
            }
            _ => bail!("the lab did not start: {}", why(&complaints)),
        }
    }

    /// Ends the lab and waits until it has cleared up.
    ///
    /// # Errors
    /// Where it doesn't end.
    pub fn stop(mut self) -> Result<()> {
        drop(self.stdin.take());
        loop {
            match self.said.recv_timeout(PATIENCE) {
                Ok(_) => {}
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => bail!("the lab does not end"),
            }
        }
        self.child.wait().context("waiting for the lab's end")?;
        Ok(())
    }
}

/// The lines of a stream, read by a thread of its own until it ends.
fn lines_of(stream: impl Read + Send + 'static) -> mpsc::Receiver<String> {
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            log::info!("lab: {line}");
            // Who asked may have gone; the stream is read on, so that the lab never waits.
            let _ = tell.send(line);
        }
    });
    told
}

/// What a lab that ended said, as one message: its error, then its hints.
fn why(complaints: &mpsc::Receiver<String>) -> String {
    let mut said = Vec::new();
    while let Ok(line) = complaints.recv_timeout(Duration::from_secs(1)) {
        match line.trim().strip_prefix("[possible values") {
            Some(values) => said.push(format!(
                "hint: possible values{}",
                values.trim_end_matches(']')
            )),
            None => said.push(line.trim_start_matches("error: ").to_owned()),
        }
    }
    said.join("\n")
}

/// The lab's program: named by LAB_BIN, beside this one, or in the path.
fn find() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("LAB_BIN") {
        return Ok(path.into());
    }
    let own = std::env::current_exe().context("finding this program's own path")?;
    let beside = own.with_file_name("lab");
    if beside.is_file() {
        return Ok(beside);
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .map(|folder| folder.join("lab"))
        .find(|it| it.is_file())
        .ok_or_else(|| {
            anyhow!(io::Error::from(io::ErrorKind::NotFound)).context(
                "finding the lab's program\nhint: in the repository, run `cargo xtask demo`; \
                 elsewhere, put `lab` beside `probe` or name it in LAB_BIN",
            )
        })
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_scenario_is_a_valid_one() {
        super::scenario().unwrap();
    }
}
