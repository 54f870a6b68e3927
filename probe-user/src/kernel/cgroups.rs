//! Cgroups of the unified hierarchy: found by path, or by the id of a container whose engine
//! named one after it.

use std::{
    collections::HashSet,
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};

use super::observer::unified_hierarchy;
use crate::{model::container::Container, plan::near::Cgroup};

/// Fewest characters of a container's id: engines show twelve, and fewer could be a name.
const SHORTEST_ID: usize = 8;

/// Finds a cgroup: by its path below the hierarchy, by its whole path, or by a container's id or
/// the beginning of one.
///
/// # Errors
/// Where there is none, or several fit.
pub fn find(text: &str) -> Result<Cgroup> {
    let root = unified_hierarchy()?;
    let whole = Path::new(text);
    let folder = match whole.starts_with(&root) {
        true => whole.to_owned(),
        false => root.join(text.trim_start_matches('/')),
    };
    if let Ok(cgroup) = cgroup_at(&root, &folder) {
        return Ok(cgroup);
    }
    if !is_container_id(text) {
        bail!(
            "cgroup \"{text}\": there is none at {}\nhint: give its path below {}, or a container's id",
            folder.display(),
            root.display()
        );
    }
    let mut found = Vec::new();
    walk(&root, &mut |folder| {
        let name = folder.file_name().and_then(|name| name.to_str());
        if name.is_some_and(|name| container_of(name).is_some_and(|id| id.starts_with(text))) {
            found.push(folder.to_owned());
        }
    });
    // An engine may keep more cgroups inside a container's.
    let all = found.clone();
    found.retain(|it| !all.iter().any(|other| it != other && it.starts_with(other)));
    match found.as_slice() {
        [folder] => cgroup_at(&root, folder),
        [] => bail!(
            "cgroup \"{text}\": there is no container of that id\nhint: give the path of its cgroup below {}",
            root.display()
        ),
        several => bail!(
            "cgroup \"{text}\": {} containers have an id that begins so\nhint: give more of it",
            several.len()
        ),
    }
}

/// Ids of a cgroup and all below it.
pub fn ids_below(cgroup: &Cgroup) -> HashSet<u64> {
    let mut ids = HashSet::from([cgroup.id]);
    if let Ok(root) = unified_hierarchy() {
        let folder = root.join(cgroup.path.trim_start_matches('/'));
        walk(&folder, &mut |folder| {
            ids.extend(fs::metadata(folder).map(|it| it.ino()));
        });
    }
    ids
}

/// Ids of the processes in a cgroup and all below it.
pub fn processes_in(cgroup: &Cgroup) -> Vec<u32> {
    let Ok(root) = unified_hierarchy() else {
        return Vec::new();
    };
    let top = root.join(cgroup.path.trim_start_matches('/'));
    // Another one of that path is another.
    if fs::metadata(&top).map(|it| it.ino()).ok() != Some(cgroup.id) {
        return Vec::new();
    }
    let mut folders = vec![top.clone()];
    walk(&top, &mut |folder| folders.push(folder.to_owned()));
    let lists = folders
        .iter()
        .filter_map(|folder| fs::read_to_string(folder.join("cgroup.procs")).ok());
    let pids = lists.flat_map(|list| {
        let pids = list.lines().filter_map(|line| line.parse().ok());
        pids.collect::<Vec<_>>()
    });
    pids.collect()
}

fn cgroup_at(root: &Path, folder: &Path) -> Result<Cgroup> {
    let path = folder.strip_prefix(root)?;
    let metadata = fs::metadata(folder)
        .with_context(|| format!("cgroup: looking for it at {}", folder.display()))?;
    if !metadata.is_dir() {
        bail!("cgroup: {} is a file", folder.display());
    }
    Ok(Cgroup {
        path: format!("/{}", path.display()),
        id: metadata.ino(),
        level: path.components().count() as u32,
    })
}

/// Shows every folder below another, that one left out.
fn walk(folder: &Path, show: &mut dyn FnMut(&Path)) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            let below: PathBuf = entry.path();
            show(&below);
            walk(&below, show);
        }
    }
}

fn is_container_id(text: &str) -> bool {
    text.len() >= SHORTEST_ID && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// The id of the container that a cgroup of that name is for.
fn container_of(name: &str) -> Option<&str> {
    Container::at(name).map(|it| it.id)
}

/// Path of the cgroup of that id, below the hierarchy; `None` where it is gone.
pub fn path_of(id: u64) -> Option<String> {
    let root = unified_hierarchy().ok()?;
    let mut found = None;
    walk(&root, &mut |folder| {
        if found.is_none() && fs::metadata(folder).is_ok_and(|it| it.ino() == id) {
            found = folder.strip_prefix(&root).ok().map(Path::to_owned);
        }
    });
    found.map(|path| format!("/{}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn containers_are_told_by_their_cgroups_names() {
        let id = "0123456789abcdef".repeat(4);
        for name in [
            format!("docker-{id}.scope"),
            format!("cri-containerd-{id}.scope"),
            format!("libpod-{id}.scope"),
            id.clone(),
        ] {
            assert_eq!(container_of(&name), Some(id.as_str()), "{name}");
        }
        assert_eq!(container_of("user.slice"), None);
        assert_eq!(
            container_of(&format!("libpod-conmon-{}.scope", &id[1..])),
            None
        );
        assert!(is_container_id("0123456789ab") && !is_container_id("shop.slice"));
    }

    #[test]
    fn what_is_not_there_is_said_in_words() {
        let Ok(root) = unified_hierarchy() else {
            return;
        };
        let whole = find(&root.display().to_string()).unwrap();
        assert_eq!((whole.path.as_str(), whole.level), ("/", 0));
        let error = find("/no/such/cgroup").unwrap_err().to_string();
        assert!(error.contains("\nhint: give its path below"), "{error}");
        let error = find("feedfacefeedface").unwrap_err().to_string();
        assert!(error.contains("no container of that id"), "{error}");
    }
}
