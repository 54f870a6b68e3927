//! Kernel modules for a virtual machine: found in an unpacked package, decompressed, and put in an
//! order in which each comes after those it needs. The package has no modules.dep, which is made
//! when it is installed; each module names what it needs itself.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// A module, ready to be loaded.
#[derive(Debug)]
pub(super) struct Module {
    pub(super) name: String,
    pub(super) content: Vec<u8>,
}

/// Reads the modules `wanted` and all they need from `folder`; what the kernel has built in is left out.
///
/// # Errors
/// If one is neither there nor built in, or can't be read.
pub(super) fn read(folder: &Path, wanted: &[&str], busybox: &Path) -> Result<Vec<Module>> {
    let mut files = BTreeMap::new();
    collect(folder, &mut files)?;
    let built_in = fs::read_to_string(folder.join("modules.builtin")).unwrap_or_default();
    let built_in = built_in
        .lines()
        .filter_map(|line| module_name(Path::new(line)))
        .collect();
    let mut reader = Reader {
        files,
        built_in,
        busybox,
        loaded: Vec::new(),
    };
    for name in wanted {
        reader.load(name)?;
    }
    Ok(reader.loaded)
}

struct Reader<'a> {
    files: BTreeMap<String, PathBuf>,
    built_in: Vec<String>,
    busybox: &'a Path,
    loaded: Vec<Module>,
}

impl Reader<'_> {
    fn load(&mut self, name: &str) -> Result<()> {
        let is_there = self.loaded.iter().any(|module| module.name == name);
        if is_there || self.built_in.iter().any(|module| module == name) {
            return Ok(());
        }
        let Some(file) = self.files.get(name) else {
            bail!("find the kernel module {name}: it is neither a file nor built in");
        };
        let content = content(file, self.busybox)?;
        for needed in needed(&content) {
            self.load(&needed)?;
        }
        self.loaded.push(Module {
            name: name.to_owned(),
            content,
        });
        Ok(())
    }
}

fn collect(folder: &Path, files: &mut BTreeMap<String, PathBuf>) -> Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("read {}", folder.display()))?;
    for entry in entries.flatten() {
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            collect(&path, files)?;
        } else if let Some(name) = module_name(&path) {
            files.insert(name, path);
        }
    }
    Ok(())
}

/// The name the kernel has for the module in `path`, if it is one: `act_bpf` of `act-bpf.ko.xz`.
fn module_name(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_str()?;
    let (stem, rest) = name.split_once(".ko")?;
    ["", ".xz"].contains(&rest).then(|| stem.replace('-', "_"))
}

fn content(file: &Path, busybox: &Path) -> Result<Vec<u8>> {
    let read = || format!("read {}", file.display());
    if file.extension().is_some_and(|extension| extension == "ko") {
        return fs::read(file).with_context(read);
    }
    let mut xz = Command::new(busybox);
    let out = xz
        .args(["xz", "-dc"])
        .arg(file)
        .stdin(Stdio::null())
        .output()
        .with_context(read)?;
    if !out.status.success() {
        bail!(
            "decompress {}: {}",
            file.display(),
            String::from_utf8_lossy(&out.stderr).trim()
        );
    }
    Ok(out.stdout)
}

/// The modules that a module says it needs, from its `.modinfo`: strings that end with a zero.
fn needed(module: &[u8]) -> Vec<String> {
    const KEY: &[u8] = b"\0depends=";
    let Some(at) = module.windows(KEY.len()).position(|window| window == KEY) else {
        return Vec::new();
    };
    let value = module[at + KEY.len()..]
        .split(|byte| *byte == 0)
        .next()
        .unwrap_or_default();
    let value = String::from_utf8_lossy(value);
    value
        .split(',')
        .filter(|name| !name.is_empty())
        .map(|name| name.replace('-', "_"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_modules_as_the_kernel_does() {
        let name = |path: &str| module_name(Path::new(path));
        assert_eq!(name("net/sched/act-bpf.ko.xz").as_deref(), Some("act_bpf"));
        assert_eq!(name("drivers/net/veth.ko").as_deref(), Some("veth"));
        assert_eq!(name("modules.order"), None);
    }

    #[test]
    fn reads_what_a_module_needs() {
        assert_eq!(
            needed(b"elf\0license=GPL\0depends=8021q,nf-tables\0x"),
            ["8021q", "nf_tables"]
        );
        assert!(needed(b"elf\0depends=\0x").is_empty());
        assert!(needed(b"elf").is_empty());
    }
}
