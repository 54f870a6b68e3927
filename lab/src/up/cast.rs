//! All the roles of a lab: started in the order in which they need each other, watched, stopped in
//! the opposite order.

use std::ffi::OsString;

use anyhow::Result;
use futures_util::future::select_all;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::ending::Ending;
use super::player::Player;
use crate::cli::UpArguments;
use crate::janitor::Janitor;
use crate::topology::{Link, Role, listens_at};

/// The processes of a lab.
pub(super) struct Cast<'a> {
    arguments: &'a UpArguments,
    janitor: &'a Janitor,
    players: Vec<Player>,
}

impl<'a> Cast<'a> {
    /// Nobody yet.
    pub(super) fn new(arguments: &'a UpArguments, janitor: &'a Janitor) -> Self {
        Self {
            arguments,
            janitor,
            players: Vec::new(),
        }
    }

    /// Starts everybody; returns once everybody is ready.
    pub(super) async fn start(&mut self) -> Result<()> {
        let (replica, dns) = (self.arguments.replica, self.arguments.dns);
        let left_out = |role: &Role| match role {
            Role::PaymentsReplica => !replica,
            Role::Resolver => !dns,
            _ => false,
        };
        for role in Role::ALL.into_iter().filter(|role| !left_out(role)) {
            self.hire(role).await?;
        }
        Ok(())
    }

    /// The process of each role that is alive.
    pub(super) fn pids(&self) -> impl Iterator<Item = (Role, u32)> {
        self.players.iter().map(|player| (player.role, player.pid))
    }

    /// Watches until the shop or the customers end. A dependency that dies is part of the play:
    /// it stays dead, or is started again after a while.
    pub(super) async fn supervise(&mut self) -> Ending {
        loop {
            let ((status, at), _, _) = select_all(
                self.players
                    .iter_mut()
                    .enumerate()
                    .map(|(at, player)| Box::pin(async move { (player.ended().await, at) })),
            )
            .await;
            let dead = self.players.swap_remove(at);
            if !dead.role.is_dependency() {
                return Ending::Died(dead.role, status);
            }
            eprintln!("{} (pid {}) ended: {status}", dead.role.name(), dead.pid);
            if let Some(pause) = self.arguments.restart_after {
                sleep(pause).await;
                if let Err(error) = self.hire(dead.role).await {
                    eprintln!("error: start {} again: {error:#}", dead.role.name());
                }
            }
        }
    }

    /// Stops everybody, customers first. Returns what they have to say about it.
    pub(super) async fn stop(&mut self) -> Value {
        let mut summary = json!({"event": "summary", "name": self.arguments.name.to_string()});
        for role in Role::ALL.into_iter().rev() {
            let Some(at) = self.players.iter().position(|player| player.role == role) else {
                continue;
            };
            let mut player = self.players.swap_remove(at);
            match role {
                Role::Customers => summary["customers"] = player.stop().await,
                Role::Shop => {
                    let said = player.stop().await;
                    summary["shop"] = said["shop"].clone();
                    summary["dependencies"] = said["dependencies"].clone();
                }
                // Has nothing to say and nobody to answer any more, and may be hanging.
                _ => player.kill().await,
            }
        }
        summary
    }

    async fn hire(&mut self, role: Role) -> Result<()> {
        let mut player = Player::start(role, &self.instructions(role))?;
        self.janitor.watch(player.pid);
        player.ready().await?;
        if self.arguments.verbose {
            eprintln!("{} is ready (pid {})", role.name(), player.pid);
        }
        self.players.push(player);
        Ok(())
    }

    /// The arguments that a role is started with.
    fn instructions(&self, role: Role) -> Vec<OsString> {
        let arguments = self.arguments;
        let mut given: Vec<OsString> = vec![
            "--netns".into(),
            arguments.name.namespace_path(role).into(),
            format!("--seed={}", arguments.seed).into(),
        ];
        let callees: &[Role] = match role {
            Role::Shop => {
                if arguments.dns {
                    let [v4, v6] = Link::to(Role::Resolver).far_end();
                    let address = if arguments.ipv6 { v6 } else { v4 };
                    given.push(format!("--resolver={address}").into());
                }
                &Role::DEPENDENCIES
            }
            Role::Resolver => return given,
            Role::Customers => &[Role::Shop],
            _ => {
                if let Some(time) = arguments.service_time {
                    given.push(format!("--service-time-ms={}", time.as_millis()).into());
                }
                given.extend(
                    arguments
                        .capacity
                        .map(|it| format!("--capacity={it}").into()),
                );
                return given;
            }
        };
        for callee in callees {
            for instance in callee.instances(arguments.replica) {
                let [v4, v6] = listens_at(instance);
                let address = if arguments.ipv6 { v6 } else { v4 };
                given.push(format!("--calls={}={address}", callee.name()).into());
            }
        }
        if let Some(path) = &arguments.record {
            given.extend(["--record".into(), path.into()]);
        }
        if role == Role::Customers {
            given.push(format!("--rate={}", arguments.rate).into());
            let patience = arguments.customers_timeout.as_millis();
            given.push(format!("--patience-ms={patience}").into());
            return given;
        }
        given.extend(
            arguments
                .without
                .iter()
                .map(|pattern| format!("--without={}", pattern.name()).into()),
        );
        if arguments.verbose {
            given.push("--verbose".into());
        }
        given
    }
}
