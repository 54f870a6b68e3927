//! What the kernel and its configuration offer, read from /proc and /sys.

use std::{fs, io::ErrorKind, path::Path};

use aya::util::KernelVersion;

use super::{Check, first_line};
use crate::kernel::{
    attach::Method,
    delay_line::{Backend, Choice, FQ_NEEDS, fq_usable},
};

pub(super) fn check_kernel() -> Check {
    const NAME: &str = "kernel";
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let release = release.trim();
    match KernelVersion::current() {
        Ok(version) if version >= KernelVersion::new(6, 1, 0) => Check::ok(NAME, release),
        Ok(version) if version >= KernelVersion::new(5, 15, 0) => Check::warn(
            NAME,
            format!("{release}: older than those that are tested"),
            "6.1 and later are tested",
        ),
        Ok(_) => Check::fail(NAME, format!("{release}: too old"), "use 6.1 or later"),
        Err(error) => Check::warn(
            NAME,
            format!("{release}: version not understood: {error}"),
            "6.1 and later are tested",
        ),
    }
}

pub(super) fn check_btf() -> Check {
    const PATH: &str = "/sys/kernel/btf/vmlinux";
    match fs::metadata(PATH) {
        Ok(file) => Check::ok("btf", format!("{PATH}, {} KiB", file.len() / 1024)),
        Err(error) => Check::fail(
            "btf",
            format!("{PATH}: {error}"),
            "use a kernel built with CONFIG_DEBUG_INFO_BTF=y, as distributions do",
        ),
    }
}

pub(super) fn check_jit() -> Check {
    const PATH: &str = "/proc/sys/net/core/bpf_jit_enable";
    const HINT: &str = "sysctl net.core.bpf_jit_enable=1: without it programs are several times \
                        slower";
    match fs::read_to_string(PATH) {
        Ok(value) if value.trim() != "0" => Check::ok("jit", "programs are compiled"),
        Ok(_) => Check::warn("jit", "programs are interpreted", HINT),
        // Kernels that always compile may hide the switch, and it is root's to read.
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Check::ok("jit", "present"),
        // The switch is shown in the host's own network namespace only.
        Err(error) if error.kind() == ErrorKind::NotFound => Check::warn(
            "jit",
            "can't tell from inside this network namespace",
            "run it in the host's own",
        ),
        Err(error) => Check::warn("jit", format!("can't tell: {PATH}: {error}"), HINT),
    }
}

pub(super) fn check_cgroup2() -> Check {
    const NAME: &str = "cgroup2";
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let mount = mounts.lines().find_map(|line| {
        let mut fields = line.split_ascii_whitespace();
        let path = fields.nth(1)?;
        (fields.next()? == "cgroup2").then_some(path)
    });
    match mount {
        Some(path) if Path::new(path).join("cgroup.procs").exists() => Check::ok(NAME, path),
        Some(path) => Check::fail(
            NAME,
            format!("{path} is listed but hidden by another mount"),
            HIDDEN,
        ),
        None => Check::fail(NAME, "no cgroup2 is mounted here", HIDDEN),
    }
}

const HIDDEN: &str = "`ip netns exec` hides it: use `probe … --netns NAME` or `nsenter \
                      --net=/run/netns/NAME probe …` instead; else mount -t cgroup2 none \
                      /sys/fs/cgroup/unified";

pub(super) fn check_attachment() -> Check {
    match Method::of_this_kernel() {
        Method::Tcx => Check::ok("attachment", "TCX: programs go with their process"),
        Method::Clsact => Check::warn(
            "attachment",
            "clsact: this kernel has no TCX",
            "filters of a killed probe do nothing and are taken away at the next start; 6.6 and \
             later have TCX",
        ),
    }
}

pub(super) fn check_tun() -> Check {
    const NAME: &str = "tun";
    const PATH: &str = "/dev/net/tun";
    match fs::OpenOptions::new().read(true).write(true).open(PATH) {
        Ok(_) => Check::ok(NAME, PATH),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Check::fail(
            NAME,
            format!("{PATH}: {error}"),
            "run it as root; in a container, allow that device",
        ),
        Err(error) => Check::fail(
            NAME,
            format!("{PATH}: {error}: packets can't be delayed"),
            "modprobe tun; in a container, pass that device in",
        ),
    }
}

/// Tells where delayed packets wait, and why there: by making a lane between two namespaces of
/// nobody's, and taking it away again.
pub(super) fn check_delay_backend() -> Check {
    const NAME: &str = "delay";
    match Choice::of_environment() {
        Err(error) => Check::fail(
            NAME,
            first_line(&error),
            "unset it, or name auto, userspace or fq",
        ),
        Ok(Choice::Only(Backend::Userspace)) => Check::ok(
            NAME,
            "userspace: a TAP device and a thread, as PROBE_DELAY_BACKEND says",
        ),
        Ok(choice) => match (fq_usable(), choice) {
            (Ok(()), _) => Check::ok(NAME, "fq: a veth pair, inside the kernel"),
            (Err(error), Choice::Only(_)) => Check::fail(NAME, first_line(&error), FQ_NEEDS),
            (Err(error), Choice::Auto) => Check::ok(
                NAME,
                format!(
                    "userspace: a TAP device and a thread; no fq: {}",
                    first_line(&error)
                ),
            ),
        },
    }
}

/// Tries it on a thread that ends right away.
pub(super) fn check_real_time() -> Check {
    let allowed = std::thread::spawn(crate::kernel::delay_line::prefer_this_thread).join();
    match allowed {
        Ok(Ok(())) => Check::ok("real-time", "the delay line's thread goes before others"),
        Ok(Err(error)) => Check::warn(
            "real-time",
            format!("real-time scheduling: {error}"),
            "on a busy host packets will be late; it takes CAP_SYS_NICE and a real-time budget",
        ),
        Err(_) => Check::warn(
            "real-time",
            "can't tell",
            "on a busy host packets may be late",
        ),
    }
}
