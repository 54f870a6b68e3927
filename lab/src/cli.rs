//! The command line: what a person types, and what `lab up` says to the processes it starts.

mod duration;

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use crate::shop::Pattern;
use crate::topology::{LabName, Role};

/// A shop, its dependencies and its customers: a system to try resilience patterns on.
#[derive(Parser)]
#[command(name = "lab", version, disable_help_subcommand = true)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Open the shop: namespaces, dependencies, customers; everything goes when this ends
    Up(UpArguments),
    /// Remove what a killed lab left behind
    Down {
        /// The lab's name
        #[arg(long, default_value = "lab")]
        name: LabName,
    },
    /// More customers for a while, beside those that come anyway
    Rush(RushArguments),
    /// One process of the lab, started by `lab up`
    #[command(hide = true)]
    Role(RoleArguments),
    /// Clears up after the lab, however it ends; started by `lab up`
    #[command(hide = true)]
    Janitor {
        /// The lab's name
        #[arg(long)]
        name: LabName,
    },
}

/// Arguments of `lab up`.
#[derive(Args)]
pub(crate) struct UpArguments {
    /// The lab's name, and the first part of its namespaces' names
    #[arg(long, default_value = "lab")]
    pub(crate) name: LabName,
    /// Take a pattern out of the shop (repeatable)
    #[arg(long, value_name = "PATTERN", value_enum)]
    pub(crate) without: Vec<Pattern>,
    /// Customers' requests a second
    #[arg(long, default_value_t = 50.0, value_parser = rate)]
    pub(crate) rate: f64,
    /// How long a customer waits before leaving
    #[arg(long, default_value = "3s", value_parser = duration::parse)]
    pub(crate) customers_timeout: Duration,
    /// Close the shop after this long
    #[arg(long = "for", value_name = "DURATION", value_parser = duration::parse)]
    pub(crate) open_for: Option<Duration>,
    /// Seed of everything random: arrivals, service times, jitter
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Write one JSON line for each call the shop and the customers make
    #[arg(long, value_name = "FILE")]
    pub(crate) record: Option<PathBuf>,
    /// Call over IPv6: customers to shop and shop to dependencies
    #[arg(long)]
    pub(crate) ipv6: bool,
    /// Have payments twice, the second at 10.77.4.2; calls go to both in turn
    #[arg(long)]
    pub(crate) replica: bool,
    /// Have the shop ask a resolver, at 10.77.5.2, where to go, before each call
    #[arg(long)]
    pub(crate) dns: bool,
    /// How long every dependency takes, in the median, instead of its own time
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub(crate) service_time: Option<Duration>,
    /// How many calls every dependency works on at once; more wait. Without it, as many as come
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) capacity: Option<u32>,
    /// Start a dependency that died again after this long; without it, it stays dead
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub(crate) restart_after: Option<Duration>,
    /// Close the shop when standard input ends
    #[arg(long)]
    pub(crate) until_stdin_closes: bool,
    /// Say on standard error what is being done
    #[arg(short, long)]
    pub(crate) verbose: bool,
}

/// Arguments of `lab rush`.
#[derive(Args)]
pub(crate) struct RushArguments {
    /// The lab's name
    #[arg(long, default_value = "lab")]
    pub(crate) name: LabName,
    /// Requests a second
    #[arg(long, default_value_t = 500.0, value_parser = rate)]
    pub(crate) rate: f64,
    /// How long they keep coming
    #[arg(long = "for", value_name = "DURATION", default_value = "5s", value_parser = duration::parse)]
    pub(crate) lasting: Duration,
    /// How long a customer waits before leaving
    #[arg(long, default_value = "3s", value_parser = duration::parse)]
    pub(crate) customers_timeout: Duration,
    /// Seed of everything random
    #[arg(long, default_value_t = 2)]
    pub(crate) seed: u64,
}

/// Arguments of one role's process.
#[derive(Args)]
pub(crate) struct RoleArguments {
    /// Which role to play
    pub(crate) role: Role,
    /// The network namespace to play it in
    #[arg(long)]
    pub(crate) netns: PathBuf,
    /// Seed of everything random in this role
    #[arg(long)]
    pub(crate) seed: u64,
    /// Where to write the calls that this role makes
    #[arg(long)]
    pub(crate) record: Option<PathBuf>,
    /// Patterns the shop goes without
    #[arg(long, value_enum)]
    pub(crate) without: Vec<Pattern>,
    /// Whom this role calls, as ROLE=ADDRESS
    #[arg(long, value_parser = callee)]
    pub(crate) calls: Vec<(Role, SocketAddr)>,
    /// Customers' requests a second
    #[arg(long, default_value_t = 50.0, value_parser = rate)]
    pub(crate) rate: f64,
    /// Whom to ask where dependencies are
    #[arg(long)]
    pub(crate) resolver: Option<IpAddr>,
    /// How long a dependency takes in the median, in milliseconds
    #[arg(long)]
    pub(crate) service_time_ms: Option<u64>,
    /// How many calls a dependency works on at once
    #[arg(long)]
    pub(crate) capacity: Option<u32>,
    /// How long a customer waits, in milliseconds
    #[arg(long, default_value_t = 3000)]
    pub(crate) patience_ms: u64,
    /// Say on standard error what changes
    #[arg(long)]
    pub(crate) verbose: bool,
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if (0.1..=5000.0).contains(&rate) => Ok(rate),
        _ => Err("expected requests a second between 0.1 and 5000".into()),
    }
}

fn callee(text: &str) -> Result<(Role, SocketAddr), String> {
    let (role, address) = text.split_once('=').ok_or("expected ROLE=ADDRESS")?;
    let address = address
        .parse()
        .map_err(|_| format!("not an address: {address}"))?;
    Ok((role.parse()?, address))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_callee_is_a_role_and_an_address() {
        let (role, address) = callee("payments=[fd77:1::2]:8080").unwrap();
        assert_eq!((role, address.port()), (Role::Payments, 8080));
        assert!(callee("payments").is_err());
        assert!(callee("bank=10.0.0.1:80").is_err());
    }

    #[test]
    fn rates_have_bounds() {
        assert_eq!(rate("12.5"), Ok(12.5));
        for bad in ["0", "-1", "NaN", "inf", "many", "5001"] {
            assert!(rate(bad).is_err(), "{bad}");
        }
    }
}
