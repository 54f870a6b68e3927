//! Commands of the user's own that a game day starts.

use std::process::Stdio;

use tokio::process::{Child, Command};

/// A command that runs.
#[derive(Debug)]
struct Running {
    step: usize,
    child: Child,
}

/// Commands that run.
#[derive(Debug, Default)]
pub struct Commands {
    running: Vec<Running>,
}

impl Commands {
    /// Starts the command of a step in a process group of its own, so that a Ctrl-C meant for
    /// probe isn't its as well; its output goes nowhere, the screen being probe's.
    ///
    /// # Errors
    /// Where it can't be started.
    pub fn start(&mut self, step: usize, words: &[String]) -> std::io::Result<()> {
        let (program, arguments) = words
            .split_first()
            .map_or(("", [].as_slice()), |(p, a)| (p.as_str(), a));
        let child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        self.running.push(Running { step, child });
        Ok(())
    }

    /// The commands that ended since the last time: step and exit code, which is missing where a
    /// signal ended it.
    pub fn ended(&mut self) -> Vec<(usize, Option<i32>)> {
        let mut ended = Vec::new();
        self.running
            .retain_mut(|running| match running.child.try_wait() {
                Ok(None) => true,
                Ok(Some(status)) => {
                    ended.push((running.step, status.code()));
                    false
                }
                Err(_) => {
                    ended.push((running.step, None));
                    false
                }
            });
        ended
    }

    /// Ends all that still run.
    pub async fn stop(&mut self) {
        for running in &mut self.running {
            if let Some(pid) = running.child.id() {
                let group = nix::unistd::Pid::from_raw(pid as i32);
                let _ = nix::sys::signal::killpg(group, nix::sys::signal::Signal::SIGKILL);
            }
            let _ = running.child.wait().await;
        }
        self.running.clear();
    }
}
