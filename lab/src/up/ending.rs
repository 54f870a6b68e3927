//! What ends a lab: a signal, the clock, the end of standard input, or a death in the cast.

use std::process::ExitStatus;
use std::time::Duration;

use anyhow::Result;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{Instant, sleep_until, timeout};

use crate::cli::UpArguments;
use crate::role::Lifeline;
use crate::topology::Role;

/// Why a lab ended.
pub(super) enum Ending {
    /// Somebody wanted it to.
    Asked,
    /// A role without which there is no lab has ended.
    Died(Role, ExitStatus),
}

/// Everything by which somebody may ask for the end.
pub(super) struct Endings {
    signals: [Signal; 3],
    lifeline: Option<Lifeline>,
    open_for: Option<Duration>,
    closing: Option<Instant>,
}

impl Endings {
    /// From here on signals don't kill the process any more.
    pub(super) fn listen(arguments: &UpArguments) -> Result<Self> {
        let lifeline = arguments
            .until_stdin_closes
            .then(|| Lifeline::watch_stdin("lab"));
        Ok(Self {
            signals: [
                signal(SignalKind::interrupt())?,
                signal(SignalKind::terminate())?,
                signal(SignalKind::hangup())?,
            ],
            lifeline: lifeline.transpose()?,
            open_for: arguments.open_for,
            closing: None,
        })
    }

    /// Begins to count the time that the shop is open.
    pub(super) fn start_clock(&mut self) {
        self.closing = self.open_for.map(|open_for| Instant::now() + open_for);
    }

    /// Whether somebody asked for the end just now.
    pub(super) async fn already_asked(&mut self) -> bool {
        timeout(Duration::from_millis(20), self.asked())
            .await
            .is_ok()
    }

    /// Waits until somebody asks for the end.
    pub(super) async fn asked(&mut self) {
        let [interrupt, terminate, hangup] = &mut self.signals;
        let lifeline = async {
            match &mut self.lifeline {
                Some(lifeline) => lifeline.cut().await,
                None => std::future::pending().await,
            }
        };
        let clock = async {
            match self.closing {
                Some(closing) => sleep_until(closing).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
            () = lifeline => {}
            () = clock => {}
        }
    }
}
