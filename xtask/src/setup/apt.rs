//! Packages of Debian suites that the machine itself does not follow: an apt with a state of its
//! own in a folder, which downloads and unpacks but never installs. Signatures are verified with
//! the machine's Debian keyring, and the mirror is the one the machine is configured for.

mod sources;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process;

const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// An apt that looks at one suite and keeps its state in one folder.
pub(crate) struct PrivateApt {
    folder: PathBuf,
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
        for part in ["lists/partial", "cache/archives/partial"] {
            fs::create_dir_all(folder.join(part))?;
        }
        let list = format!("deb [signed-by={KEYRING}] {mirror} {suite} main\n");
        fs::write(folder.join("sources.list"), list)?;
        let apt = Self { folder };
        process::output(
            apt.command("apt-get")
                .args(["--quiet", "update", "--error-on=any"]),
        )
        .with_context(|| format!("fetch the package lists of Debian's {suite}"))?;
        Ok(apt)
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

    fn command(&self, program: &str) -> Command {
        let option =
            |name: &str, file: &str| format!("{name}={}", self.folder.join(file).display());
        let mut command = Command::new(program);
        command
            .env("LC_ALL", "C")
            .arg("-o")
            .arg(option("Dir::Etc::SourceList", "sources.list"));
        command.args([
            "-o",
            "Dir::Etc::SourceParts=-",
            "-o",
            "Acquire::Languages=none",
        ]);
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
