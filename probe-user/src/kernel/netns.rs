//! Network namespaces: naming one, entering it for the length of a closure.

use std::{
    fmt,
    fs::File,
    os::{
        fd::{AsFd, AsRawFd},
        unix::fs::MetadataExt,
    },
    path::PathBuf,
};

use anyhow::{Context, Result, anyhow};
use nix::sched::{CloneFlags, setns};

/// Which network namespace, as typed: a name below /run/netns, a path, or `pid:N`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum NetnsRef {
    /// The one probe was started in.
    Own,
    /// A name that `ip netns` knows.
    Name(String),
    /// A file that is one.
    Path(PathBuf),
    /// That of a process.
    Pid(u32),
}

impl NetnsRef {
    /// Reads what was typed.
    pub fn parse(text: &str) -> Result<Self> {
        if let Some(pid) = text.strip_prefix("pid:") {
            let pid = pid
                .parse()
                .map_err(|_| anyhow!("network namespace \"{text}\": not a process id"))?;
            return Ok(Self::Pid(pid));
        }
        if text.is_empty() {
            return Err(anyhow!("network namespace: no name given"));
        }
        Ok(if text.contains('/') {
            Self::Path(text.into())
        } else {
            Self::Name(text.to_owned())
        })
    }

    fn path(&self) -> PathBuf {
        match self {
            Self::Own => "/proc/self/ns/net".into(),
            Self::Name(name) => ["/run/netns", name].iter().collect(),
            Self::Path(path) => path.clone(),
            Self::Pid(pid) => format!("/proc/{pid}/ns/net").into(),
        }
    }
}

impl fmt::Display for NetnsRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Own => f.write_str("this one"),
            Self::Name(name) => f.write_str(name),
            Self::Path(path) => path.display().fmt(f),
            Self::Pid(pid) => write!(f, "pid:{pid}"),
        }
    }
}

/// A network namespace, held open: it can't go away while this is there.
#[derive(Debug)]
pub struct Netns {
    file: File,
    /// What it was called.
    pub name: NetnsRef,
    /// Inode, which tells namespaces apart.
    pub inode: u64,
}

impl Netns {
    /// Opens a namespace.
    ///
    /// # Errors
    /// Where there is none of that name, with a hint at those there are.
    pub fn open(name: &NetnsRef) -> Result<Self> {
        let path = name.path();
        let file = File::open(&path).with_context(|| {
            format!(
                "network namespace \"{name}\": cannot open {}{}",
                path.display(),
                hint()
            )
        })?;
        let inode = file
            .metadata()
            .context("network namespace: reading its inode")?
            .ino();
        let is_namespace = setns_check(&file);
        is_namespace.with_context(|| {
            format!(
                "network namespace \"{name}\": {} is not one",
                path.display()
            )
        })?;
        Ok(Self {
            file,
            name: name.clone(),
            inode,
        })
    }

    /// The same namespace, held open once more.
    ///
    /// # Errors
    /// Where the process has no file descriptor left.
    pub fn try_clone(&self) -> Result<Self> {
        Ok(Self {
            file: self
                .file
                .try_clone()
                .with_context(|| format!("network namespace \"{}\": holding it open", self.name))?,
            name: self.name.clone(),
            inode: self.inode,
        })
    }

    /// Runs a closure on a thread of its own inside the namespace.
    ///
    /// # Errors
    /// The closure's own, or that of entering.
    pub fn within<T: Send>(&self, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
        std::thread::scope(|scope| {
            scope
                .spawn(|| {
                    // A thread begins in the namespace of its process; there is nothing to enter,
                    // and nobody has to be root for it.
                    if self.name != NetnsRef::Own {
                        self.enter()?;
                    }
                    work()
                })
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    /// Makes a namespace without a name: it is there as long as this is, and whatever is made of
    /// it, and no longer than the process.
    ///
    /// # Errors
    /// Without the privilege.
    pub fn anonymous() -> Result<Self> {
        let make = || -> Result<File> {
            nix::sched::unshare(CloneFlags::CLONE_NEWNET)
                .context("network namespace: making one\nhint: it takes root, or CAP_SYS_ADMIN")?;
            File::open("/proc/thread-self/ns/net").context("network namespace: opening a new one")
        };
        let made = std::thread::scope(|scope| scope.spawn(make).join());
        let file = made.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        let inode = file
            .metadata()
            .context("network namespace: reading its inode")?
            .ino();
        let name = NetnsRef::Path(format!("/proc/self/fd/{}", file.as_raw_fd()).into());
        Ok(Self { file, name, inode })
    }

    /// Its file descriptor, for the kernel's tables of links.
    pub(super) fn raw_fd(&self) -> std::os::fd::RawFd {
        self.file.as_raw_fd()
    }

    /// Moves the calling thread into the namespace, for good.
    ///
    /// # Errors
    /// Without the privilege.
    pub fn enter(&self) -> Result<()> {
        setns(self.file.as_fd(), CloneFlags::CLONE_NEWNET).with_context(|| {
            format!(
                "network namespace \"{}\": entering\nhint: it takes root, or CAP_SYS_ADMIN",
                self.name
            )
        })
    }

    /// Whether what it was called still leads to it: the file held open here keeps it alive
    /// beyond that.
    pub fn is_there(&self) -> bool {
        std::fs::metadata(self.name.path()).is_ok_and(|found| found.ino() == self.inode)
    }

    /// The cookie by which kernel programs know it.
    ///
    /// # Errors
    /// On kernels before 5.14.
    pub fn cookie(&self) -> Result<u64> {
        self.within(own_cookie)
    }
}

/// The name below /run/netns of the namespace of that inode, if it has one.
pub fn name_of(inode: u64) -> Option<String> {
    std::fs::read_dir("/run/netns")
        .ok()?
        .filter_map(Result::ok)
        // Not the entry's own metadata: that is of the file below the mount.
        .find(|entry| std::fs::metadata(entry.path()).is_ok_and(|found| found.ino() == inode))
        .and_then(|entry| entry.file_name().into_string().ok())
}

/// The cookie of the calling thread's namespace.
fn own_cookie() -> Result<u64> {
    const SO_NETNS_COOKIE: libc::c_int = 71;
    let socket = std::net::UdpSocket::bind("127.0.0.1:0")
        .or_else(|_| std::net::UdpSocket::bind("[::]:0"))
        .or_else(|_| std::net::UdpSocket::bind("0.0.0.0:0"))
        .context("network namespace: making a socket")?;
    let mut cookie = 0u64;
    let mut length = size_of::<u64>() as libc::socklen_t;
    // SAFETY: the socket is open; `cookie` and `length` are valid for the write.
    let code = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            SO_NETNS_COOKIE,
            (&raw mut cookie).cast(),
            &raw mut length,
        )
    };
    if code != 0 {
        return Err(std::io::Error::last_os_error())
            .context("network namespace: reading its cookie");
    }
    Ok(cookie)
}

/// Whether a file is a network namespace: asked of the kernel, without entering it.
fn setns_check(file: &File) -> Result<()> {
    const NS_GET_NSTYPE: libc::c_ulong = 0xb703;
    // SAFETY: an ioctl without argument on an open file.
    let kind = unsafe { libc::ioctl(file.as_raw_fd(), NS_GET_NSTYPE) };
    if kind == libc::CLONE_NEWNET {
        Ok(())
    } else {
        Err(anyhow!("wrong kind of file"))
    }
}

/// The names there are, as a hint.
fn hint() -> String {
    let mut names: Vec<_> = std::fs::read_dir("/run/netns")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    names.sort();
    if names.is_empty() {
        return "\nhint: there are no named network namespaces here; give a path or pid:N".into();
    }
    format!(
        "\nhint: there are {}; a path or pid:N will do too",
        names.join(", ")
    )
}
