//! Whose traffic faults are for: everybody's, or that of one near side of the whole plan.

use std::fmt;

use probe_common::rule::{PlanHeader, near};

/// Most characters of a command name; the kernel keeps no more.
pub const COMMAND_LENGTH: usize = 15;

/// A near side, resolved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum NearSide {
    /// Everybody.
    #[default]
    Everybody,
    /// One process, by its id.
    Process(u32),
    /// Processes of a command name, also those yet to come.
    Command(String),
    /// Sockets made in a cgroup or below it.
    Cgroup(Cgroup),
}

/// A cgroup of the unified hierarchy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cgroup {
    /// Its path below the root of the hierarchy.
    pub path: String,
    /// Its id: the inode of its folder.
    pub id: u64,
    /// How deep it lies below the root.
    pub level: u32,
}

impl NearSide {
    /// Whether it is somebody in particular.
    pub fn is_somebody(&self) -> bool {
        *self != Self::Everybody
    }

    /// Whether it is told by processes.
    pub fn is_processes(&self) -> bool {
        matches!(self, Self::Process(_) | Self::Command(_))
    }

    /// Whether a process is one of it, by id and command name.
    pub fn has_process(&self, pid: u32, command: &str) -> bool {
        match self {
            Self::Process(wanted) => *wanted == pid,
            Self::Command(wanted) => kept(wanted) == kept(command),
            Self::Everybody | Self::Cgroup(_) => false,
        }
    }

    /// Writes it into a plan's header.
    pub fn encode(&self, header: &mut PlanHeader) {
        match self {
            Self::Everybody => header.near_kind = near::NONE,
            Self::Process(pid) => {
                header.near_kind = near::PROCESSES;
                header.near_id = u64::from(*pid);
            }
            Self::Command(name) => {
                header.near_kind = near::PROCESSES;
                let name = kept(name);
                header.near_command = [0; 16];
                header.near_command[..name.len()].copy_from_slice(name);
            }
            Self::Cgroup(cgroup) => {
                header.near_kind = near::CGROUP;
                header.near_id = cgroup.id;
                header.near_cgroup_level = cgroup.level;
            }
        }
    }
}

/// What the kernel keeps of a command name.
fn kept(name: &str) -> &[u8] {
    &name.as_bytes()[..name.len().min(COMMAND_LENGTH)]
}

/// The near side of another process's plan, in words; `None` for everybody.
pub fn told(header: &PlanHeader) -> Option<String> {
    let command = header.near_command.split(|&byte| byte == 0).next();
    match header.near_kind {
        near::PROCESSES => Some(match command {
            Some(name @ [_, ..]) => format!("processes \"{}\"", String::from_utf8_lossy(name)),
            _ => format!("process {}", header.near_id),
        }),
        near::CGROUP => Some(format!("cgroup {}", header.near_id)),
        _ => None,
    }
}

impl fmt::Display for NearSide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everybody => f.write_str("everybody"),
            Self::Process(pid) => write!(f, "process {pid}"),
            Self::Command(name) => write!(f, "processes \"{name}\""),
            Self::Cgroup(cgroup) => write!(f, "cgroup {}", cgroup.path),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(near: &NearSide) -> PlanHeader {
        let mut header = PlanHeader::default();
        near.encode(&mut header);
        header
    }

    #[test]
    fn headers_tell_who_it_is() {
        let cgroup = Cgroup {
            path: "/a/b".into(),
            id: 77,
            level: 2,
        };
        for (near, words) in [
            (NearSide::Everybody, None),
            (NearSide::Process(42), Some("process 42")),
            (NearSide::Command("shop".into()), Some("processes \"shop\"")),
            (NearSide::Cgroup(cgroup), Some("cgroup 77")),
        ] {
            assert_eq!(told(&written(&near)).as_deref(), words, "{near}");
        }
    }

    #[test]
    fn command_names_are_compared_as_the_kernel_keeps_them() {
        let near = NearSide::Command("a-very-long-command".into());
        assert!(near.has_process(1, "a-very-long-com"));
        assert!(!near.has_process(1, "a-very-long-co"));
        assert_eq!(&written(&near).near_command, b"a-very-long-com\0");
        assert!(NearSide::Process(7).has_process(7, "x"));
        assert!(!NearSide::Process(7).has_process(8, "x"));
    }
}
