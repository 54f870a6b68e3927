//! Debian's kernels for the virtual machines: unpacked into the target folder, never installed.
//! A kernel more is a row more in [`KERNELS`].

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::apt::{self, PrivateApt};
use crate::process::note;
use crate::workspace;

/// A kernel that tests can be run on.
#[derive(Debug)]
pub(crate) struct Kernel {
    /// What it is called on the command line: its first two numbers.
    pub(crate) name: &'static str,
    /// Debian's suite that has it.
    suite: &'static str,
    /// What the names of its packages begin with; the version and [`FLAVOUR`] follow. Debian split
    /// its one package in several in 2026.
    packages: &'static [&'static str],
}

/// Every kernel that tests can be run on, oldest first.
pub(crate) const KERNELS: [Kernel; 3] = [
    Kernel {
        name: "6.1",
        suite: "bookworm",
        packages: &["linux-image-6.1."],
    },
    Kernel {
        name: "6.12",
        suite: "bookworm-backports",
        packages: &["linux-image-6.12."],
    },
    Kernel {
        name: "7.2",
        suite: "sid",
        packages: &["linux-binary-7.2.", "linux-modules-7.2.", "linux-base-7.2."],
    },
];

/// The kernel for virtual machines, smaller than the one for any computer there is.
const FLAVOUR: &str = "-cloud-amd64";

/// Where the parts of an unpacked kernel are.
#[derive(Debug)]
pub(crate) struct KernelFiles {
    /// The image that is booted.
    pub(crate) image: PathBuf,
    /// The folder of its modules.
    pub(crate) modules: PathBuf,
    /// Its full version, as `uname -r` will say it.
    pub(crate) release: String,
}

/// Finds a kernel by its name.
///
/// # Errors
/// If there is none, naming those there are.
pub(crate) fn kernel_named(name: &str) -> Result<&'static Kernel> {
    KERNELS
        .iter()
        .find(|kernel| kernel.name == name)
        .with_context(|| {
            let names: Vec<_> = KERNELS.iter().map(|kernel| kernel.name).collect();
            format!("find kernel {name}\nhint: there are {}", names.join(", "))
        })
}

/// Makes sure that `kernel` is unpacked, and says where its parts are.
///
/// # Errors
/// If Debian's mirror can't be reached or no longer has it.
pub(crate) fn ensure_vm_kernel(kernel: &Kernel) -> Result<KernelFiles> {
    let folder = folder(kernel);
    if !folder.is_dir() {
        unpack(kernel, &folder)?;
    }
    find_files(&folder)
        .with_context(|| format!("read the kernel in {0}\nhint: remove {0}", folder.display()))
}

/// What [`ensure_vm_kernel`] would do, in words.
pub(super) fn plan(kernel: &Kernel) -> Option<String> {
    let folder = folder(kernel);
    let step = format!(
        "unpack Debian's kernel {} into {}",
        kernel.name,
        folder.display()
    );
    (!folder.is_dir()).then_some(step)
}

fn folder(kernel: &Kernel) -> PathBuf {
    workspace::target_dir().join("vm/kernels").join(kernel.name)
}

fn unpack(kernel: &Kernel, folder: &Path) -> Result<()> {
    note(&format!(
        "looking for kernel {} in Debian's {}",
        kernel.name, kernel.suite
    ));
    let apt = PrivateApt::open(&workspace::target_dir().join("vm/apt"), kernel.suite)?;
    let unfinished = folder.with_file_name(format!("{}.unfinished", kernel.name));
    let _ = fs::remove_dir_all(&unfinished);
    for prefix in kernel.packages {
        let names = apt.names(prefix, FLAVOUR)?;
        let newest = apt::newest(&names, FLAVOUR).with_context(|| {
            format!(
                "find a package {prefix}*{FLAVOUR} in Debian's {}",
                kernel.suite
            )
        })?;
        note(&format!(
            "unpacking Debian's {newest} into {}",
            folder.display()
        ));
        apt.unpack(newest, &unfinished)?;
    }
    fs::rename(&unfinished, folder).with_context(|| format!("create {}", folder.display()))
}

fn find_files(folder: &Path) -> Result<KernelFiles> {
    let modules = ["lib/modules", "usr/lib/modules"].map(|path| folder.join(path));
    let modules = modules
        .into_iter()
        .find(|path| path.is_dir())
        .context("find its modules")?;
    let modules = only_entry(&modules, "")?;
    let release = modules
        .file_name()
        .context("name its release")?
        .to_string_lossy()
        .into_owned();
    // Newer packages keep the image beside the modules.
    let beside = modules.join("vmlinuz");
    let image = if beside.is_file() {
        beside
    } else {
        only_entry(&folder.join("boot"), "vmlinuz-")?
    };
    Ok(KernelFiles {
        image,
        modules,
        release,
    })
}

fn only_entry(folder: &Path, prefix: &str) -> Result<PathBuf> {
    let entries = fs::read_dir(folder).with_context(|| format!("read {}", folder.display()))?;
    let mut fitting = entries.flatten().map(|entry| entry.path());
    let fits = |path: &PathBuf| {
        path.file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with(prefix))
    };
    fitting
        .find(fits)
        .with_context(|| format!("find {prefix}* in {}", folder.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_kernels_there_are() {
        assert_eq!(kernel_named("6.12").unwrap().suite, "bookworm-backports");
        let error = kernel_named("5.4").unwrap_err().to_string();
        assert!(error.contains("hint: there are 6.1, 6.12, 7.2"), "{error}");
    }
}
