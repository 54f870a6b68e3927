//! Which container a cgroup belongs to, told by the names that engines give their cgroups.

/// A container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Container<'a> {
    /// Its id: 64 hexadecimal digits.
    pub id: &'a str,
    /// What runs it, where the cgroup's name says so: `docker`, `cri-containerd`, `crio`, `libpod`.
    pub runtime: Option<&'a str>,
}

/// How much of an id engines show, which is enough to find it by.
const SHOWN: usize = 12;

impl<'a> Container<'a> {
    /// The container whose cgroup is at a path of the unified hierarchy, or inside of which it is;
    /// the innermost one. `None` where it is in none.
    pub fn at(cgroup: &'a str) -> Option<Self> {
        let folders: Vec<_> = cgroup.split('/').collect();
        (0..folders.len()).rev().find_map(|n| {
            let above = n.checked_sub(1).map(|n| folders[n]);
            Self::named(folders[n], above)
        })
    }

    /// The container that a cgroup of that name is for: `docker-ID.scope`,
    /// `cri-containerd-ID.scope`, `libpod-ID.scope`, or the id by itself below the engine's folder.
    fn named(folder: &'a str, above: Option<&'a str>) -> Option<Self> {
        let name = folder.strip_suffix(".scope").unwrap_or(folder);
        match name.rsplit_once('-') {
            // What looks after a container isn't in it.
            Some((runtime, _)) if runtime.ends_with("conmon") => None,
            Some((runtime, id)) if is_id(id) => Some(Self {
                id,
                runtime: (!runtime.is_empty()).then_some(runtime),
            }),
            None if is_id(name) => Some(Self {
                id: name,
                runtime: above.filter(|it| matches!(*it, "docker" | "lxc" | "libpod")),
            }),
            _ => None,
        }
    }

    /// The beginning of its id, as engines show it.
    pub fn short(&self) -> &'a str {
        &self.id[..SHOWN]
    }
}

fn is_id(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn containers_are_told_by_their_cgroups() {
        let id = "0123456789abcdef".repeat(4);
        for (path, runtime) in [
            (format!("/system.slice/docker-{id}.scope"), Some("docker")),
            (format!("/docker/{id}"), Some("docker")),
            (format!("/docker/{id}/init.scope"), Some("docker")),
            (
                format!("/machine.slice/libpod-{id}.scope/container"),
                Some("libpod"),
            ),
            (
                format!(
                    "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1.slice/cri-containerd-{id}.scope"
                ),
                Some("cri-containerd"),
            ),
            (
                format!("/kubepods.slice/kubepods-pod2.slice/crio-{id}.scope"),
                Some("crio"),
            ),
            (format!("/kubepods/besteffort/pod3/{id}"), None),
        ] {
            let container = Container::at(&path).unwrap_or_else(|| panic!("{path}"));
            assert_eq!((container.id, container.runtime), (id.as_str(), runtime));
            assert_eq!(container.short(), "0123456789ab");
        }
    }

    #[test]
    fn the_innermost_container_counts() {
        let (outer, inner) = ("a".repeat(64), "b".repeat(64));
        let path = format!("/docker/{outer}/kubepods/burstable/pod1/{inner}");
        assert_eq!(Container::at(&path).unwrap().id, inner);
    }

    #[test]
    fn what_is_no_container_is_none() {
        let id = "0123456789abcdef".repeat(4);
        for path in [
            "",
            "/",
            "/user.slice/user-0.slice/session-1.scope",
            &format!("/machine.slice/libpod-conmon-{id}.scope"),
            &format!("/docker/{}", &id[1..]),
            &format!("/docker/{}g", &id[1..]),
            &format!("/é{id}"),
        ] {
            assert_eq!(Container::at(path), None, "{path}");
        }
    }
}
