//! What the crates' manifests may depend on: names in the source are the other half of this.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::Finding;

/// A crate, what its manifest may not have among its dependencies, and why.
const STRANGERS: [(&str, &[&str], &str); 4] = [
    (
        "lab",
        &["probe-user", "probe-common", "probe-ebpf"],
        "the lab knows nothing of probe",
    ),
    ("probe-user", &["lab"], "probe knows nothing of the lab"),
    (
        "probe-ebpf",
        &["probe-user"],
        "the two meet only in probe-common",
    ),
    (
        "probe-common",
        &["probe-user", "probe-ebpf"],
        "the two know it, not the other way round",
    ),
];

/// Finds dependencies that cross a boundary.
///
/// # Errors
/// If a manifest can't be read.
pub(super) fn check(root: &Path) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for (package, strangers, reason) in STRANGERS {
        let file = format!("{package}/Cargo.toml");
        let text = fs::read_to_string(root.join(&file)).with_context(|| format!("read {file}"))?;
        for dependency in dependencies(&text) {
            if strangers.contains(&dependency.name) {
                let reason = format!("depends on {}: {reason}", dependency.name);
                findings.push(Finding::new(&file, dependency.line, reason));
            }
            if package == "probe-common" {
                findings.extend(core_only(&file, &dependency));
            }
        }
    }
    Ok(findings)
}

fn core_only(file: &str, dependency: &Dependency<'_>) -> Option<Finding> {
    let is_ayas = dependency.name == "aya" && dependency.is_optional;
    let allowed = is_ayas || dependency.is_for_tests;
    let reason = "probe-common depends on core alone, and on aya behind its feature `user`";
    (!allowed).then(|| {
        Finding::new(
            file,
            dependency.line,
            format!("depends on {}: {reason}", dependency.name),
        )
    })
}

/// A line of a manifest that names a dependency.
struct Dependency<'a> {
    name: &'a str,
    line: usize,
    is_optional: bool,
    is_for_tests: bool,
}

fn dependencies(manifest: &str) -> Vec<Dependency<'_>> {
    let mut found = Vec::new();
    let mut section = "";
    for (index, line) in manifest.lines().enumerate() {
        let line = line.trim();
        let inside = section.ends_with("dependencies");
        if let Some(header) = line.strip_prefix('[') {
            section = header.trim_end_matches(']');
        } else if let Some((key, value)) = line.split_once('=').filter(|_| inside) {
            found.push(Dependency {
                name: key
                    .split('.')
                    .next()
                    .unwrap_or(key)
                    .trim()
                    .trim_matches('"'),
                line: index + 1,
                is_optional: value.contains("optional = true"),
                is_for_tests: section.ends_with("dev-dependencies"),
            });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = "[package]\nname = \"x\"\n[dependencies]\naya = { workspace = true, optional = true }\n\
        serde.workspace = true\n[target.'cfg(unix)'.dependencies]\nlibc = \"0.2\"\n[dev-dependencies]\nrand = \"1\"\n[lints]\nworkspace = true\n";

    #[test]
    fn reads_dependencies() {
        let names: Vec<_> = dependencies(MANIFEST)
            .iter()
            .map(|d| (d.name, d.line))
            .collect();
        assert_eq!(names, [("aya", 4), ("serde", 5), ("libc", 7), ("rand", 9)]);
    }

    #[test]
    fn the_shared_crate_depends_on_core_alone() {
        let found: Vec<_> = dependencies(MANIFEST)
            .iter()
            .filter_map(|d| core_only("m", d))
            .map(|f| f.line)
            .collect();
        assert_eq!(found, [5, 7]);
    }
}
