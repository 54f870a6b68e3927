//! TARGET: whose traffic, where. One grammar for every command.

use anyhow::bail;
use clap::ValueEnum;

use crate::{
    endpoint::EndpointSpec,
    engine::target::{Wanted, observed_target},
    kernel::netns::NetnsRef,
    plan,
};

/// The target of a command.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Target")]
pub struct TargetArgs {
    /// The far side: HOST[:PORT], CIDR[:PORT], [V6]:PORT or :PORT; repeatable
    #[arg(long, value_name = "ENDPOINT")]
    pub to: Vec<EndpointSpec>,
    /// Which transport protocol
    #[arg(long, value_enum, default_value = "any", value_name = "PROTOCOL")]
    pub proto: Protocol,
    /// The near side, by its name or process id
    #[arg(long, value_name = "NAME|PID")]
    pub process: Option<String>,
    /// The near side, by its cgroup: its path, or the id of a container
    #[arg(long, value_name = "PATH", conflicts_with = "process")]
    pub cgroup: Option<String>,
    /// The network namespace; default: the one probe was started in, or, to observe, every one
    #[arg(long, value_name = "NAME|PATH|pid:N", value_parser = netns)]
    pub netns: Option<NetnsRef>,
    /// The interface, repeatable; default: those on the routes to the endpoints
    #[arg(long, value_name = "IF")]
    pub interface: Vec<String>,
}

impl TargetArgs {
    /// The network namespace, named or not.
    pub fn netns(&self) -> NetnsRef {
        self.netns.clone().unwrap_or(NetnsRef::Own)
    }
}

impl TargetArgs {
    /// What is to be observed.
    ///
    /// # Errors
    /// Where a name means nothing here.
    pub fn scope(&self) -> anyhow::Result<crate::model::Scope> {
        if self.proto != Protocol::Any || !self.interface.is_empty() {
            bail!(
                "target: --proto and --interface are for faults\nhint: name what to observe by --to, --process, --cgroup and --netns"
            );
        }
        observed_target(&Wanted {
            netns: self.netns.as_ref(),
            to: &self.to,
            process: self.process.as_deref(),
            cgroup: self.cgroup.as_deref(),
        })
    }
}

/// Which transport protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Protocol {
    /// TCP
    Tcp,
    /// UDP
    Udp,
    /// Whichever
    #[default]
    Any,
}

/// Which way, seen from the near side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Direction {
    /// Packets towards the endpoint
    Egress,
    /// Packets from the endpoint
    Ingress,
    /// Both
    Both,
}

impl From<Protocol> for plan::Protocol {
    fn from(protocol: Protocol) -> Self {
        match protocol {
            Protocol::Tcp => Self::Tcp,
            Protocol::Udp => Self::Udp,
            Protocol::Any => Self::Any,
        }
    }
}

impl From<Direction> for plan::Direction {
    fn from(direction: Direction) -> Self {
        match direction {
            Direction::Egress => Self::Egress,
            Direction::Ingress => Self::Ingress,
            Direction::Both => Self::Both,
        }
    }
}

fn netns(text: &str) -> anyhow::Result<NetnsRef> {
    NetnsRef::parse(text)
}
