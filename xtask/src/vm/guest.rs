//! What is inside a virtual machine: busybox, the kernel's modules, the programs under test with
//! the libraries they are linked with, and a script that is process 1.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use super::Given;
use super::console::EXIT_MARK;
use super::cpio::Archive;
use super::modules::{self, Module};
use crate::process;
use crate::setup::KernelFiles;

/// The modules that probe or its tests need, where a kernel does not have them built in.
const MODULES: [&str; 13] = [
    "veth",
    "tun",
    "ifb",
    "dummy",
    "8021q",
    "cls_bpf",
    "act_bpf",
    "sch_ingress",
    "sch_fq",
    "sch_netem",
    "inet_diag",
    "tcp_diag",
    "udp_diag",
];

/// The ingredients of a virtual machine's file system.
pub(super) struct Guest<'a> {
    pub(super) kernel: &'a KernelFiles,
    pub(super) busybox: &'a Path,
    /// Programs of this machine, and what they are called in /bin there. The first is run. Where
    /// busybox has one of that name, this one is there instead.
    pub(super) programs: &'a [(&'a str, PathBuf)],
    /// Other files of this machine, which are where they are here.
    pub(super) files: &'a [PathBuf],
    /// A folder for files that are needed only while the archive is made.
    pub(super) scratch: &'a Path,
    /// After which time the machine ends by itself, should nobody be left who ends it.
    pub(super) patience: Duration,
    /// What the tests' names have to have in them.
    pub(super) only: &'a str,
    /// Files that aren't of this machine.
    pub(super) given: &'a [Given],
}

impl Guest<'_> {
    /// Packs the file system.
    ///
    /// # Errors
    /// If an ingredient can't be read.
    pub(super) fn initramfs(&self) -> Result<Vec<u8>> {
        let mut archive = Archive::default();
        for folder in [
            "proc",
            "sys",
            "dev",
            "tmp",
            "run/netns",
            "root",
            "var",
            "etc",
            "game-day",
        ] {
            archive.folder(folder);
        }
        for given in self.given {
            archive.program(given.path, &given.content);
        }
        archive.link("var/run", "../run");
        let read = |path: &Path| fs::read(path).with_context(|| format!("read {}", path.display()));
        archive.program("bin/busybox", &read(self.busybox)?);
        let modules = modules::read(&self.kernel.modules, &MODULES, self.busybox)?;
        for module in &modules {
            archive.program(&format!("modules/{}.ko", module.name), &module.content);
        }
        let mut libraries = Vec::new();
        for (name, program) in self.programs {
            archive.program(&format!("bin/{name}"), &self.stripped(name, program)?);
            libraries.extend(linked_libraries(program)?);
        }
        libraries.sort();
        libraries.dedup();
        for file in self.files {
            let path = file.to_string_lossy();
            archive.program(path.trim_start_matches('/'), &read(file)?);
        }
        for library in &libraries {
            archive.program(library.trim_start_matches('/'), &read(Path::new(library))?);
        }
        archive.program("init", self.init(&modules).as_bytes());
        Ok(archive.finish())
    }

    /// `program` without debug information, which is most of it and which nothing there reads; as
    /// it is where binutils are missing.
    fn stripped(&self, name: &str, program: &Path) -> Result<Vec<u8>> {
        let copy = self.scratch.join(format!("{name}.stripped"));
        let mut strip = Command::new("strip");
        strip.arg("--strip-debug").arg("-o").arg(&copy).arg(program);
        let source = if process::output(&mut strip).is_ok() {
            &copy
        } else {
            program
        };
        let content = fs::read(source).with_context(|| format!("read {}", source.display()));
        let _ = fs::remove_file(&copy);
        content
    }

    /// The script that is process 1. It must not end: the kernel panics if process 1 does.
    fn init(&self, modules: &[Module]) -> String {
        let seconds = self.patience.as_secs() + 30;
        let names: Vec<_> = modules.iter().map(|module| module.name.as_str()).collect();
        let only = self.only;
        let program = self.programs.first().map_or("true", |(name, _)| name);
        format!(
            "#!/bin/busybox sh\n\
             /bin/busybox --install -s /bin 2>/dev/null\n\
             export PATH=/bin HOME=/root PROBE_BIN=/bin/probe RUST_BACKTRACE=1\n\
             mount -t proc proc /proc\n\
             mount -t sysfs sysfs /sys\n\
             mount -t devtmpfs devtmpfs /dev\n\
             mount -t cgroup2 cgroup2 /sys/fs/cgroup\n\
             mount -t bpf bpf /sys/fs/bpf\n\
             mount -t tmpfs tmpfs /tmp\n\
             (sleep {seconds}; reboot -f) &\n\
             for module in {}; do\n\
             insmod /modules/$module.ko || echo \"FAILED module-$module: insmod\"\n\
             done\n\
             ip link set lo up\n\
             /bin/{program} '{only}'\n\
             echo \"{EXIT_MARK}$?\"\n\
             reboot -f\n\
             while :; do sleep 1; done\n",
            names.join(" ")
        )
    }
}

/// The files of the libraries `program` is linked with, the loader among them. Taken along rather
/// than linked in, because that would mean to compile everything a second time.
fn linked_libraries(program: &Path) -> Result<Vec<String>> {
    Ok(libraries(&process::output(
        Command::new("ldd").arg(program),
    )?))
}

fn libraries(ldd: &str) -> Vec<String> {
    let words = ldd.lines().flat_map(str::split_whitespace);
    words
        .filter(|word| word.starts_with('/'))
        .map(|word| word.trim_end_matches(':').to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_libraries() {
        let ldd = "\tlinux-vdso.so.1 (0x00007ffd)\n\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f)\n\
            \t/lib64/ld-linux-x86-64.so.2 (0x00007f)\n";
        assert_eq!(
            libraries(ldd),
            [
                "/lib/x86_64-linux-gnu/libc.so.6",
                "/lib64/ld-linux-x86-64.so.2"
            ]
        );
        assert!(libraries("\tstatically linked\n").is_empty());
    }
}
