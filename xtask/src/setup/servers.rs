//! Real servers and what drives them, for the tests that hold the observer against them. Those that
//! the machine doesn't have are only unpacked, into the target folder, with the libraries that they
//! need: Debian's packages of servers start them once they are installed.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use super::Tool;
use super::apt::PrivateApt;
use crate::process::{self, note};
use crate::workspace;

/// The programs, and Debian's package of each.
const SERVERS: [Tool; 14] = [
    tool("nginx", "nginx"),
    tool("wrk", "wrk"),
    tool("curl", "curl"),
    tool("redis-server", "redis-server"),
    tool("redis-tools", "redis-benchmark"),
    tool("redis-tools", "redis-cli"),
    tool("postgresql", "postgres"),
    tool("postgresql", "initdb"),
    tool("postgresql", "pgbench"),
    tool("postgresql", "psql"),
    tool("mariadb-server-core", "mariadbd"),
    tool("mariadb-client-core", "mariadb"),
    tool("dnsmasq-base", "dnsmasq"),
    tool("bind9-dnsutils", "dig"),
];

const fn tool(package: &'static str, program: &'static str) -> Tool {
    Tool { package, program }
}

/// Makes sure that every server and every driver is there.
///
/// # Errors
/// If one can't be fetched.
pub(crate) fn ensure_servers() -> Result<()> {
    let packages = missing();
    if packages.is_empty() {
        return Ok(());
    }
    let folder = folder();
    note(&format!(
        "unpacking {} into {}",
        packages.join(" "),
        folder.display()
    ));
    let apt = PrivateApt::of_this_machine(&folder.join("apt"))
        .with_context(|| format!("unpack {}", packages.join(" ")))?;
    apt.unpack_with_needs(&packages, &folder.join("root"))?;
    let missing = missing();
    if !missing.is_empty() {
        bail!("unpack {}: their programs aren't there", missing.join(" "));
    }
    fs::remove_dir_all(folder.join("apt")).context("remove the package lists")
}

/// What [`ensure_servers`] would do, in words.
pub(super) fn plan() -> Option<String> {
    let missing = missing();
    let step = || format!("unpack {} into {}", missing.join(" "), folder().display());
    (!missing.is_empty()).then(step)
}

fn folder() -> PathBuf {
    workspace::target_dir().join("servers")
}

fn missing() -> Vec<&'static str> {
    let missing = SERVERS.iter().filter(|tool| !is_there(tool.program));
    let mut packages: Vec<_> = missing.map(|tool| tool.package).collect();
    packages.dedup();
    packages
}

/// Whether the tests will find a program, which look in the same places (`tests::tool`).
fn is_there(program: &str) -> bool {
    let root = folder().join("root");
    let unpacked = ["usr/bin", "usr/sbin"].map(|bin| root.join(bin));
    let databases = [
        PathBuf::from("/usr/lib/postgresql"),
        root.join("usr/lib/postgresql"),
    ];
    let databases = databases.iter().flat_map(fs::read_dir).flatten().flatten();
    let databases = databases.map(|version| version.path().join("bin"));
    let mut folders = unpacked.into_iter().chain(databases);
    process::find(program).is_some() || folders.any(|folder| folder.join(program).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_that_bring_several_programs_stand_together() {
        let mut packages: Vec<_> = SERVERS.iter().map(|tool| tool.package).collect();
        packages.dedup();
        let asked = packages.len();
        packages.sort_unstable();
        packages.dedup();
        assert_eq!(packages.len(), asked, "one would be asked for twice");
    }
}
