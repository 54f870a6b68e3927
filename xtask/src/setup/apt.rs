//! An apt with a state of its own in a folder, which downloads and unpacks but never installs: of a
//! Debian suite that the machine itself need not follow, from the mirror it is configured for and
//! verified with its Debian keyring; or of just those suites that the machine follows.

mod sources;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process;

const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// An apt that keeps its state in one folder.
pub(crate) struct PrivateApt {
    folder: PathBuf,
    sources: Sources,
}

/// Where its packages come from.
#[derive(Clone, Copy, PartialEq)]
enum Sources {
    /// One suite, named in the folder.
    OneSuite,
    /// Whatever the machine itself is configured for.
    Machine,
}

impl PrivateApt {
    /// Fetches the package lists of `suite` into `folder`.
    ///
    /// # Errors
    /// If this is no Debian, or the mirror can't be reached or does not have the suite.
    pub(crate) fn open(folder: &Path, suite: &str) -> Result<Self> {
        if process::find("apt-get").is_none() || !Path::new(KEYRING).is_file() {
            bail!("read Debian's {suite}: this machine has no apt-get or no {KEYRING}");
        }
        let mirror = sources::mirror(Path::new("/etc/apt"))?;
        let folder = folder.join(suite);
        fs::create_dir_all(&folder)?;
        let list = format!("deb [signed-by={KEYRING}] {mirror} {suite} main\n");
        fs::write(folder.join("sources.list"), list)?;
        let sources = Sources::OneSuite;
        let apt = Self { folder, sources };
        apt.update()
            .with_context(|| format!("fetch the package lists of Debian's {suite}"))?;
        Ok(apt)
    }

    /// Fetches the package lists that the machine is configured for into `folder`.
    ///
    /// # Errors
    /// If there is no apt, or a mirror can't be reached.
    pub(crate) fn of_this_machine(folder: &Path) -> Result<Self> {
        if process::find("apt-get").is_none() {
            bail!("there is no apt-get\nhint: install them the way of your system");
        }
        let (folder, sources) = (folder.to_owned(), Sources::Machine);
        let apt = Self { folder, sources };
        apt.update().context("fetch the package lists")?;
        Ok(apt)
    }

    fn update(&self) -> Result<()> {
        for part in ["lists/partial", "cache/archives/partial"] {
            fs::create_dir_all(self.folder.join(part))?;
        }
        let update = ["--quiet", "update", "--error-on=any"];
        process::output(self.command("apt-get").args(update)).map(drop)
    }

    /// The names of all packages that start with `prefix` and end with `suffix`.
    pub(crate) fn names(&self, prefix: &str, suffix: &str) -> Result<Vec<String>> {
        let text = process::output(self.command("apt-cache").args(["pkgnames", prefix]))?;
        let fits = |name: &&str| name.starts_with(prefix) && name.ends_with(suffix);
        Ok(text.lines().filter(fits).map(str::to_owned).collect())
    }

    /// The versions of `package` on offer, best first.
    pub(crate) fn versions(&self, package: &str) -> Result<Vec<String>> {
        let text = process::output(self.command("apt-cache").args(["madison", package]))?;
        let second = |line: &str| Some(line.split('|').nth(1)?.trim().to_owned());
        Ok(text.lines().filter_map(second).collect())
    }

    /// Downloads `package` (`name` or `name=version`) and unpacks it into `into`.
    ///
    /// # Errors
    /// If the mirror does not have it, or its signature or checksum is wrong.
    pub(crate) fn unpack(&self, package: &str, into: &Path) -> Result<()> {
        let downloads = self.folder.join("downloads");
        // Emptied first: `apt-get download` names the file after the version, which is not known here.
        let _ = fs::remove_dir_all(&downloads);
        fs::create_dir_all(&downloads)?;
        let mut download = self.command("apt-get");
        // Unsandboxed, for apt's own user may not be able to write here.
        download.args([
            "--quiet",
            "-o",
            "APT::Sandbox::User=root",
            "download",
            package,
        ]);
        process::output(download.current_dir(&downloads))
            .with_context(|| format!("download Debian's {package}"))?;
        let file = fs::read_dir(&downloads)?
            .next()
            .context("find the downloaded package")??;
        fs::create_dir_all(into)?;
        process::output(
            Command::new("dpkg-deb")
                .arg("-x")
                .arg(file.path())
                .arg(into),
        )?;
        fs::remove_dir_all(&downloads).context("remove the downloaded package")
    }

    /// Downloads `packages` and all that they need and the machine does not have, and unpacks
    /// them into `into`.
    ///
    /// # Errors
    /// If there is no such package, or its signature or checksum is wrong.
    pub(crate) fn unpack_with_needs(&self, packages: &[&str], into: &Path) -> Result<()> {
        let archives = self.folder.join("cache/archives");
        let mut download = self.command("apt-get");
        // The lock is the machine's, whose packages stay as they are.
        download
            .args(["-o", "Debug::NoLocking=1", "-o", "APT::Sandbox::User=root"])
            .args(["--quiet", "--yes", "--no-install-recommends"])
            .args(["--download-only", "install"])
            .args(packages);
        process::output(&mut download)
            .with_context(|| format!("download {}", packages.join(" ")))?;
        fs::create_dir_all(into)?;
        for file in fs::read_dir(&archives)?.flatten() {
            if file.path().extension().is_some_and(|it| it == "deb") {
                let mut unpack = Command::new("dpkg-deb");
                process::output(unpack.arg("-x").arg(file.path()).arg(into))?;
                fs::remove_file(file.path())?;
            }
        }
        Ok(())
    }

    fn command(&self, program: &str) -> Command {
        let option =
            |name: &str, file: &str| format!("{name}={}", self.folder.join(file).display());
        let mut command = Command::new(program);
        command.env("LC_ALL", "C");
        if self.sources == Sources::OneSuite {
            command
                .arg("-o")
                .arg(option("Dir::Etc::SourceList", "sources.list"))
                .args(["-o", "Dir::Etc::SourceParts=-"]);
        }
        command.args(["-o", "Acquire::Languages=none"]);
        command.args([
            "-o",
            "APT::Update::Post-Invoke-Success::=",
            "-o",
            "APT::Update::Post-Invoke::=",
        ]);
        command.arg("-o").arg(option("Dir::State::Lists", "lists"));
        command.arg("-o").arg(option("Dir::Cache", "cache"));
        command
    }
}

/// The newest of `names`, which differ in the version before `suffix`. By its numbers, for in the
/// order of the alphabet 6.12.10 comes before 6.12.9.
pub(crate) fn newest<'a>(names: &'a [String], suffix: &str) -> Option<&'a String> {
    names
        .iter()
        .max_by_key(|name| numbers(name.trim_end_matches(suffix)))
}

fn numbers(name: &str) -> Vec<u64> {
    let parts = name.split(|c: char| !c.is_ascii_digit());
    parts.filter_map(|part| part.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newest_counts_rather_than_spells() {
        let names = [
            "6.12.9+deb12",
            "6.12.90+deb12",
            "6.12.90+deb12.1",
            "6.12.12+deb12",
        ];
        let names = names.map(|version| format!("linux-image-{version}-cloud-amd64"));
        assert_eq!(newest(&names, "-cloud-amd64"), Some(&names[2]));
        assert_eq!(newest(&[], ""), None);
    }
}
