//! Faults that a person starts from the dashboard: each is a `probe inject` of its own, so that it
//! goes the very way of one that is typed, with every check, the list of what is never faulted,
//! the lease, the deadline and the audit log.
//!
//! It ends when its standard input does, and so with this process, however that ends.

use std::{
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use anyhow::{Context, Result};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::{
    io::AsyncReadExt,
    process::{Child, ChildStdin, Command},
    sync::mpsc,
    time::timeout,
};

use crate::snapshot::{TimelineKind, TrialStage, TrialView};

/// How long a look at what would be touched may take.
const LOOK: Duration = Duration::from_secs(10);
/// How long faults get to end when the dashboard does.
const PATIENCE: Duration = Duration::from_secs(3);

/// What came of something that was begun.
enum Came {
    /// A look at what would be touched.
    Answer(TrialView),
    /// A fault has ended.
    Ended { handle: u32, told: String },
}

/// A fault that holds.
struct Holding {
    handle: u32,
    /// Dropped, it ends.
    input: Option<ChildStdin>,
}

/// Faults that were started from the dashboard.
pub struct ByHand {
    audit: String,
    holding: Vec<Holding>,
    trial: Option<TrialView>,
    tell: mpsc::UnboundedSender<Came>,
    told: mpsc::UnboundedReceiver<Came>,
}

impl ByHand {
    /// None yet; they are written down in an audit log.
    pub fn new(audit: &Path) -> Self {
        let (tell, told) = mpsc::unbounded_channel();
        Self {
            audit: audit.display().to_string(),
            holding: Vec::new(),
            trial: None,
            tell,
            told,
        }
    }

    /// What is known of the fault that was last asked about.
    pub fn trial(&self) -> Option<TrialView> {
        self.trial.clone()
    }

    /// Whether a process holds one of these faults.
    pub fn is_own(&self, pid: u32) -> bool {
        self.holding.iter().any(|it| it.handle == pid)
    }

    /// Begins to look at what a fault would touch.
    pub fn try_out(&mut self, number: u32, words: &[String]) {
        let asked = TrialView {
            number,
            command: told_command(words),
            ..TrialView::default()
        };
        self.trial = Some(asked.clone());
        let command = self.command(words, true);
        let tell = self.tell.clone();
        tokio::spawn(async move {
            let answer = look(asked, command).await;
            let _ = tell.send(Came::Answer(answer));
        });
    }

    /// Starts a fault; gives what is to be told of it.
    pub fn start(&mut self, words: &[String]) -> (TimelineKind, String) {
        self.trial = None;
        let told = told_command(words);
        match self.hold(words) {
            Ok(()) => (TimelineKind::Fault, format!("by hand: {told}")),
            Err(error) => (TimelineKind::Alarm, format!("{told}: {error:#}")),
        }
    }

    fn hold(&mut self, words: &[String]) -> Result<()> {
        let mut child = self
            .command(words, false)
            .spawn()
            .context("starting `probe inject`")?;
        let handle = child.id().context("it was gone at once")?;
        self.holding.push(Holding {
            handle,
            input: child.stdin.take(),
        });
        let tell = self.tell.clone();
        tokio::spawn(async move {
            let told = outcome(child).await;
            let _ = tell.send(Came::Ended { handle, told });
        });
        Ok(())
    }

    /// Ends one fault.
    pub fn end(&mut self, handle: u32) {
        if self.is_own(handle) {
            // As a Ctrl-C would. One that is gone needs no ending.
            let _ = kill(Pid::from_raw(handle as i32), Signal::SIGINT);
        }
    }

    /// Ends all of them, those too that aren't armed yet; waits for none.
    pub fn let_go(&mut self) {
        for holding in &mut self.holding {
            let _ = kill(Pid::from_raw(holding.handle as i32), Signal::SIGINT);
            holding.input = None;
        }
    }

    /// Takes in what came since the last time; gives what is to be told of it.
    pub fn advance(&mut self) -> Vec<(TimelineKind, String)> {
        let mut news = Vec::new();
        while let Ok(came) = self.told.try_recv() {
            news.extend(self.take(came));
        }
        news
    }

    fn take(&mut self, came: Came) -> Option<(TimelineKind, String)> {
        match came {
            Came::Answer(answer) => {
                let asked = self.trial.as_ref().map(|it| it.number);
                if asked == Some(answer.number) {
                    self.trial = Some(answer);
                }
                None
            }
            Came::Ended { handle, told } => {
                self.holding.retain(|it| it.handle != handle);
                Some((TimelineKind::Fault, format!("over: {told}")))
            }
        }
    }

    /// Ends all of them, and waits a while for that.
    pub async fn end_all(&mut self) {
        self.let_go();
        let all_gone = async {
            while !self.holding.is_empty() {
                let Some(came) = self.told.recv().await else {
                    return;
                };
                self.take(came);
            }
        };
        // One that takes longer ends all the same: its standard input has ended.
        let _ = timeout(PATIENCE, all_gone).await;
        self.holding.clear();
    }

    fn command(&self, words: &[String], is_trial: bool) -> Command {
        // By its path, so that it goes by its name in lists of processes; where that is gone, as
        // after an update, by what is running.
        let own = std::env::current_exe().ok().filter(|it| it.exists());
        let mut command = Command::new(own.unwrap_or_else(|| "/proc/self/exe".into()));
        command
            .arg0("probe")
            .args(["--color", "never", "--audit", &self.audit, "inject"])
            .args(words)
            .arg(if is_trial {
                "--dry-run"
            } else {
                "--until-stdin-closes"
            })
            .stdin(if is_trial {
                Stdio::null()
            } else {
                Stdio::piped()
            })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        command
    }
}

/// The command line, as a person would type it.
fn told_command(words: &[String]) -> String {
    format!("probe inject {}", words.join(" "))
}

/// What a fault would touch, or why it can't be.
async fn look(asked: TrialView, mut command: Command) -> TrialView {
    command.kill_on_drop(true);
    let (stage, text) = match timeout(LOOK, command.output()).await {
        Err(_) => (TrialStage::Refused, "it took too long to look".to_owned()),
        Ok(Err(error)) => (TrialStage::Refused, format!("starting probe: {error}")),
        Ok(Ok(output)) => {
            let stage = match output.status.success() {
                true => TrialStage::Possible,
                false => TrialStage::Refused,
            };
            let said = [output.stdout, output.stderr].concat();
            (stage, String::from_utf8_lossy(&said).into_owned())
        }
    };
    TrialView {
        stage,
        lines: text.lines().map(str::to_owned).collect(),
        ..asked
    }
}

/// Waits for a fault's end; gives what came of it, in a line.
async fn outcome(mut child: Child) -> String {
    // Both at once: a pipe that nobody reads would hold it up.
    let (output, complaint) =
        tokio::join!(text_of(child.stdout.take()), text_of(child.stderr.take()));
    let ended = child.wait().await;
    let code = ended.as_ref().ok().and_then(ExitStatus::code);
    let said = match code {
        Some(0 | 3 | 4) => output.lines().next(),
        _ => complaint.lines().find(|line| line.starts_with("error")),
    };
    match (said, ended) {
        (Some(said), _) => said.to_owned(),
        // Where it hasn't taken the signal from its default yet, it has armed nothing either.
        (None, Ok(status)) if status.signal() == Some(Signal::SIGINT as i32) => {
            "it was ended before it was armed".to_owned()
        }
        (None, Ok(status)) => format!("it ended with {status}"),
        (None, Err(error)) => format!("waiting for its end: {error}"),
    }
}

/// All that comes through a pipe; what can't be read is told by the exit code.
async fn text_of(pipe: Option<impl AsyncReadExt + Unpin>) -> String {
    let mut bytes = Vec::new();
    if let Some(mut pipe) = pipe {
        let _ = pipe.read_to_end(&mut bytes).await;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
