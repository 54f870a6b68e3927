//! Memory taken away from a process: a cgroup in which the kernel's out-of-memory killer strikes
//! it, and nothing else.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

use anyhow::{Context, Result};

/// Tells the cages of one process apart.
static NEXT: AtomicU32 = AtomicU32::new(0);

/// What is left to those inside when memory runs out, in bytes.
const LEFT: u64 = 1 << 20;
/// What is asked for then: more than is left, less than the process that goes gives back.
const ASKED: u64 = 6 << 20;

/// A cgroup with a limit on memory; removed when dropped.
#[derive(Debug)]
pub struct Cage {
    folder: PathBuf,
    limit: &'static str,
    usage: &'static str,
    eater: Option<Child>,
}

impl Cage {
    /// Makes an empty one without a limit.
    ///
    /// # Errors
    /// Where the host has no memory controller.
    pub fn new() -> Result<Self> {
        let (root, limit, usage) = controller()?;
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = root.join(format!("probe-tests-{}-{number}", std::process::id()));
        fs::create_dir(&folder).with_context(|| format!("making {}", folder.display()))?;
        Ok(Self {
            folder,
            limit,
            usage,
            eater: None,
        })
    }

    /// A command that runs a program inside, as the first whom the killer takes.
    pub fn command(&self, program: &Path) -> Command {
        self.inside(1000, program)
    }

    /// Lets memory run out: whoever is inside and may be killed is.
    ///
    /// # Errors
    /// Where the limit can't be set, or what eats the memory can't be started.
    pub fn starve(&mut self) -> Result<()> {
        let used = fs::read_to_string(self.folder.join(self.usage))?;
        let used: u64 = used.trim().parse().context("memory in use")?;
        let mut eater = self.inside(0, Path::new("tail"));
        // It keeps the last line, and there is but one.
        let eater = eater.args(["-n", "1"]).stdin(Stdio::piped());
        let mut eater = eater.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let mut to = eater.stdin.take().context("a pipe to the eater")?;
        self.eater = Some(eater);
        fs::write(self.folder.join(self.limit), (used + LEFT).to_string())?;
        let mut meal = std::io::Read::take(std::io::repeat(b'.'), ASKED);
        // The killer may take it as well, where what the first one had isn't given back in time.
        let _ = std::io::copy(&mut meal, &mut to);
        Ok(())
    }

    /// `readiness` is what the killer adds, in thousandths of the memory there is. Less than zero
    /// would take a capability that not every root has.
    fn inside(&self, readiness: u32, program: &Path) -> Command {
        let mut command = Command::new("sh");
        command
            .arg("-c")
            .arg("echo $$ > \"$0/cgroup.procs\" && echo \"$1\" > /proc/$$/oom_score_adj && shift && exec \"$@\"")
            .arg(&self.folder)
            .arg(readiness.to_string())
            .arg(program);
        command
    }
}

impl Drop for Cage {
    fn drop(&mut self) {
        if let Some(mut eater) = self.eater.take() {
            let _ = eater.kill();
            let _ = eater.wait();
        }
        // The kernel lets go of those that were inside in its own time.
        let gone = crate::wait_until("the cgroup to be empty", crate::patience::LONG, || {
            fs::remove_dir(&self.folder).is_ok()
        });
        if let Err(error) = gone {
            eprintln!("{error:#}: {}", self.folder.display());
        }
    }
}

/// Where memory is limited on this host, and by which files.
fn controller() -> Result<(PathBuf, &'static str, &'static str)> {
    let mounts = fs::read_to_string("/proc/self/mounts").context("reading the mounts")?;
    let mounts = || {
        mounts
            .lines()
            .map(|line| line.split(' ').collect::<Vec<_>>())
    };
    let first = mounts().find_map(|words| match words[..] {
        [_, at, "cgroup", options, ..] => options
            .split(',')
            .any(|option| option == "memory")
            .then(|| PathBuf::from(at)),
        _ => None,
    });
    if let Some(root) = first {
        return Ok((root, "memory.limit_in_bytes", "memory.usage_in_bytes"));
    }
    let second = mounts().find_map(|words| match words[..] {
        [_, at, "cgroup2", ..] => Some(PathBuf::from(at)),
        _ => None,
    });
    let root = second.context("no cgroups on this host")?;
    fs::write(root.join("cgroup.subtree_control"), "+memory")
        .context("asking for the memory controller")?;
    Ok((root, "memory.max", "memory.current"))
}
