//! The dashboard on a task of its own: given pictures, asked what the person wants.

use std::sync::Arc;

use anyhow::Result;
use tokio::{
    sync::{mpsc, watch},
    task::{JoinError, JoinHandle},
    time::{Duration, timeout},
};

use crate::{
    snapshot::Snapshot,
    tui::{self, Command},
};

/// How long whoever opens it waits for its first frame, which loading kernel programs would keep
/// from the processor.
const FIRST_FRAME: Duration = Duration::from_millis(100);

/// How many commands wait until somebody takes them.
const MOST_COMMANDS: usize = 16;

/// A dashboard that is shown.
pub struct Screen {
    pictures: watch::Sender<Arc<Snapshot>>,
    commands: mpsc::Receiver<Command>,
    task: JoinHandle<Result<()>>,
    /// How it ended, where it ended by itself.
    ended: Option<Result<()>>,
    /// What was asked before anybody could listen.
    early: Option<Command>,
}

/// What came from the dashboard.
pub enum Said {
    /// The person wants something.
    Asked(Command),
    /// It ended: the person left, or the terminal did.
    Ended,
}

impl Screen {
    /// Shows it with a first picture, an empty one where what is behind it takes a while to be
    /// there. Back once it is on the terminal.
    pub async fn open(first: Snapshot, look: tui::Options) -> Self {
        let (pictures, seen) = watch::channel(Arc::new(first));
        let (asked, mut commands) = mpsc::channel(MOST_COMMANDS);
        let task = tokio::spawn(tui::run(seen, asked, look));
        let early = timeout(FIRST_FRAME, commands.recv()).await.ok().flatten();
        Self {
            pictures,
            commands,
            task,
            ended: None,
            early,
        }
    }

    /// Shows a newer picture.
    pub fn show(&self, picture: Arc<Snapshot>) {
        // Nobody sees it once the dashboard has ended, which `next` tells.
        let _ = self.pictures.send(picture);
    }

    /// What comes next; to be dropped and asked again as one likes.
    pub async fn next(&mut self) -> Said {
        if let Some(command) = self.early.take() {
            return Said::Asked(command);
        }
        if self.ended.is_some() {
            return Said::Ended;
        }
        tokio::select! {
            Some(command) = self.commands.recv() => Said::Asked(command),
            ended = &mut self.task => {
                self.ended = Some(said(ended));
                Said::Ended
            }
        }
    }

    /// Gives the terminal back: how the dashboard ended, and what was asked for at last.
    pub async fn close(self) -> (Result<()>, Vec<Command>) {
        // The closed channel ends it, where it hasn't ended by itself.
        drop(self.pictures);
        let ended = match self.ended {
            Some(ended) => ended,
            None => said(self.task.await),
        };
        let mut commands = self.commands;
        let mut asked = Vec::from_iter(self.early);
        while let Ok(command) = commands.try_recv() {
            asked.push(command);
        }
        (ended, asked)
    }
}

/// A panic of its is an error like another: there may be faults to end and a report to write.
fn said(ended: Result<Result<()>, JoinError>) -> Result<()> {
    ended.unwrap_or_else(|error| Err(error.into()))
}
