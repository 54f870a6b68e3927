//! Debian packages: those that are installed on the machine because tests run their programs, and
//! busybox, which is only unpacked because nothing but a virtual machine runs it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::Tool;
use super::apt::PrivateApt;
use crate::process::{self, find, note};
use crate::workspace;

/// Makes sure that the programs of `tools` are there, installing Debian's packages if not.
///
/// # Errors
/// If this is no Debian, the caller may not install, or apt can't.
pub(crate) fn ensure_debian(tools: &[Tool]) -> Result<()> {
    let missing = missing(tools.iter());
    if missing.is_empty() {
        return Ok(());
    }
    install(&missing)
}

/// Installs Debian's packages.
///
/// # Errors
/// If this is no Debian, the caller may not install, or apt can't.
pub(super) fn install(packages: &[&str]) -> Result<()> {
    let names = packages.join(" ");
    if find("apt-get").is_none() {
        bail!("install {names}: there is no apt-get\nhint: install them the way of your system");
    }
    note(&format!("apt-get install {names}"));
    let install = ["install", "--yes", "--no-install-recommends"];
    // Without an update first: where the lists are fresh it only costs time.
    if apt_get(&install, packages)?
        .output()
        .is_ok_and(|out| out.status.success())
    {
        return Ok(());
    }
    note("apt-get update");
    process::output(&mut apt_get(&["update"], &[])?).context("update the package lists")?;
    process::output(&mut apt_get(&install, packages)?)
        .with_context(|| format!("install {names}"))?;
    Ok(())
}

/// What [`ensure_debian`] would do, in words.
pub(super) fn plan<'a>(tools: impl Iterator<Item = &'a Tool>) -> Option<String> {
    let missing = missing(tools);
    (!missing.is_empty()).then(|| format!("apt-get install {}", missing.join(" ")))
}

/// The path of a static busybox, unpacked from Debian's package into the target folder.
///
/// # Errors
/// If it can't be fetched.
pub(crate) fn busybox() -> Result<PathBuf> {
    let folder = busybox_folder();
    if !folder.join("bin/busybox").is_file() {
        unpack_busybox(&folder)?;
    }
    Ok(folder.join("bin/busybox"))
}

/// What [`busybox`] would do, in words.
pub(super) fn plan_busybox() -> Option<String> {
    let folder = busybox_folder();
    let step = format!("unpack Debian's busybox-static into {}", folder.display());
    (!folder.is_dir()).then_some(step)
}

fn busybox_folder() -> PathBuf {
    workspace::target_dir().join("vm/busybox")
}

fn unpack_busybox(folder: &Path) -> Result<()> {
    note("unpacking Debian's busybox-static (1 MB; the package lists are 9 MB)");
    let unfinished = folder.with_extension("unfinished");
    let _ = fs::remove_dir_all(&unfinished);
    let apt = PrivateApt::open(&workspace::target_dir().join("vm/apt"), "bookworm")?;
    apt.unpack("busybox-static", &unfinished)?;
    // Later releases have no /bin of their own: everything is under /usr.
    if unfinished.join("usr/bin/busybox").is_file() {
        fs::rename(unfinished.join("usr/bin"), unfinished.join("bin"))?;
    }
    fs::rename(&unfinished, folder).context("put busybox in its place")
}

fn missing<'a>(tools: impl Iterator<Item = &'a Tool>) -> Vec<&'static str> {
    let mut packages: Vec<_> = tools
        .filter(|tool| tool.is_missing())
        .map(|tool| tool.package)
        .collect();
    packages.sort_unstable();
    packages.dedup();
    packages
}

fn apt_get(words: &[&str], packages: &[&str]) -> Result<Command> {
    let mut command = if process::is_root() {
        Command::new("apt-get")
    } else if find("sudo").is_some() {
        let mut sudo = Command::new("sudo");
        sudo.args(["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]);
        sudo
    } else {
        bail!(
            "install {}: that takes root, and there is no sudo\n\
             hint: as root, `apt-get install {}`",
            packages.join(" "),
            packages.join(" ")
        );
    };
    command
        .env("DEBIAN_FRONTEND", "noninteractive")
        .args(words)
        .args(packages);
    Ok(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_only_what_is_missing() {
        let tools = [
            Tool {
                package: "coreutils",
                program: "ls",
            },
            Tool {
                package: "nothing-like-it",
                program: "no-such-program",
            },
        ];
        assert_eq!(missing(tools.iter()), ["nothing-like-it"]);
        assert_eq!(
            plan(tools.iter()).as_deref(),
            Some("apt-get install nothing-like-it")
        );
        assert_eq!(plan(tools[..1].iter()), None);
    }
}
