//! Programs, maps and links in the kernel: which a process holds, and which are still there.

use std::{collections::BTreeSet, fs, io, os::fd::FromRawFd, os::fd::OwnedFd};

use anyhow::{Context, Result};

/// What probe's maps are called first of all.
const MAP_PREFIX: &str = "PROBE_";
/// What its programs are called, as far as the kernel keeps it.
const PROGRAM_MARKS: [&str; 4] = ["_inject", "_observe", "tc_line_return", "tc_lane_"];

// Commands of bpf(2), from linux/bpf.h.
const PROG_GET_NEXT_ID: libc::c_int = 11;
const MAP_GET_NEXT_ID: libc::c_int = 12;
const PROG_GET_FD_BY_ID: libc::c_int = 13;
const MAP_GET_FD_BY_ID: libc::c_int = 14;
const OBJ_GET_INFO_BY_FD: libc::c_int = 15;
const LINK_GET_FD_BY_ID: libc::c_int = 30;

/// A kind of object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A program.
    Program,
    /// A map.
    Map,
    /// A program's attachment.
    Link,
}

/// One object; the kernel gives no id twice for a long time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Object {
    /// Which kind.
    pub kind: Kind,
    /// Its id.
    pub id: u32,
}

impl Object {
    /// The objects that a process holds by file descriptors.
    ///
    /// # Errors
    /// Where there is no such process.
    pub fn held_by(pid: u32) -> Result<BTreeSet<Self>> {
        let folder = format!("/proc/{pid}/fdinfo");
        let files = fs::read_dir(&folder).with_context(|| folder.clone())?;
        let mut objects = BTreeSet::new();
        for file in files.flatten() {
            let text = fs::read_to_string(file.path()).unwrap_or_default();
            objects.extend(text.lines().find_map(of_line));
        }
        Ok(objects)
    }

    /// Whether it is still in the kernel.
    pub fn is_there(&self) -> bool {
        self.open().is_ok()
    }

    fn open(&self) -> io::Result<OwnedFd> {
        let command = match self.kind {
            Kind::Program => PROG_GET_FD_BY_ID,
            Kind::Map => MAP_GET_FD_BY_ID,
            Kind::Link => LINK_GET_FD_BY_ID,
        };
        let fd = bpf(command, &mut [self.id, 0, 0, 0])?;
        // SAFETY: the kernel has just made this descriptor, and nobody else knows of it.
        Ok(unsafe { OwnedFd::from_raw_fd(fd) })
    }
}

/// Every program and map on the host that is called like probe's, as `kind id name`.
pub fn all_of_probe() -> BTreeSet<(Object, String)> {
    let of_kind = |kind, command| {
        std::iter::successors(next_id(command, 0), move |&id| next_id(command, id))
            .map(move |id| Object { kind, id })
            .filter_map(|object| Some((object, name_of(&object)?)))
    };
    let programs = of_kind(Kind::Program, PROG_GET_NEXT_ID)
        .filter(|(_, name)| PROGRAM_MARKS.iter().any(|mark| is_cut(name, mark)));
    let maps = of_kind(Kind::Map, MAP_GET_NEXT_ID).filter(|(_, name)| name.starts_with(MAP_PREFIX));
    programs.chain(maps).collect()
}

/// Whether a name of fifteen characters at most has the mark in it, or begins it at its end.
fn is_cut(name: &str, mark: &str) -> bool {
    let begins = |length| name.ends_with(&mark[..length]);
    name.contains(mark) || (name.len() == 15 && (4..mark.len()).any(begins))
}

fn of_line(line: &str) -> Option<Object> {
    let (name, id) = line.split_once(':')?;
    let kind = match name {
        "link_id" => Kind::Link,
        "prog_id" => Kind::Program,
        "map_id" => Kind::Map,
        _ => return None,
    };
    let id = id.trim().parse().ok()?;
    Some(Object { kind, id })
}

fn next_id(command: libc::c_int, after: u32) -> Option<u32> {
    let mut attributes = [after, 0, 0, 0];
    bpf(command, &mut attributes).ok()?;
    Some(attributes[1])
}

/// The name in the kernel's description of an object.
fn name_of(object: &Object) -> Option<String> {
    use std::os::fd::AsRawFd;
    let fd = object.open().ok()?;
    let mut info = [0u8; 256];
    let address = info.as_mut_ptr() as u64;
    let mut attributes = [
        fd.as_raw_fd() as u32,
        info.len() as u32,
        address as u32,
        (address >> 32) as u32,
    ];
    bpf(OBJ_GET_INFO_BY_FD, &mut attributes).ok()?;
    // Offsets in struct bpf_prog_info and bpf_map_info.
    let at = match object.kind {
        Kind::Program => 64,
        Kind::Map => 24,
        Kind::Link => return None,
    };
    let name = &info[at..at + 16];
    let length = name.iter().position(|&byte| byte == 0)?;
    Some(String::from_utf8_lossy(&name[..length]).into_owned())
}

/// The system call, with the first sixteen bytes of its attributes; what the kernel needs to
/// know besides is zero.
fn bpf(command: libc::c_int, attributes: &mut [u32; 4]) -> io::Result<libc::c_int> {
    // SAFETY: `attributes` is as long as is said; the commands used here read and write only
    // there, and, for the description, in the buffer of the length given there.
    let result = unsafe {
        libc::syscall(
            libc::SYS_bpf,
            command,
            attributes.as_mut_ptr(),
            size_of_val(attributes),
        )
    };
    match result {
        ..0 => Err(io::Error::last_os_error()),
        fd => Ok(fd as libc::c_int),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_known_though_cut() {
        for name in ["tc_egress_injec", "tc_ingress_inje", "connect4_observ"] {
            assert!(
                PROGRAM_MARKS.iter().any(|mark| is_cut(name, mark)),
                "{name}"
            );
        }
        assert!(is_cut("skb_egress_obse", "_observe"));
        assert!(is_cut("skb_ingress_obs", "_observe"));
        assert!(!is_cut("sd_devices", "_observe"));
    }

    #[test]
    fn lines_of_fdinfo_are_read() {
        let object = of_line("link_id:\t31").unwrap();
        assert_eq!((object.kind, object.id), (Kind::Link, 31));
        assert!(of_line("flags:\t02000002").is_none());
    }
}
