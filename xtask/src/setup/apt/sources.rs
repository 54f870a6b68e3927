//! Which mirror the machine's own apt takes Debian from: reads both forms of its sources, one line
//! an archive (`.list`) and deb822 (`.sources`).

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The URI of the first source in `etc` (that is `/etc/apt`) that is Debian's main archive.
///
/// # Errors
/// If there is none.
pub(super) fn mirror(etc: &Path) -> Result<String> {
    let mut archives = Vec::new();
    for file in files(etc) {
        let text = fs::read_to_string(&file).unwrap_or_default();
        let deb822 = file
            .extension()
            .is_some_and(|extension| extension == "sources");
        archives.extend(if deb822 {
            parse_deb822(&text)
        } else {
            parse_lines(&text)
        });
    }
    choose(&archives).with_context(|| {
        format!(
            "find Debian's mirror in the sources under {}: none has suite and component of Debian's \
             main archive\nhint: on a system that is not Debian, install what is missing by hand",
            etc.display()
        )
    })
}

/// One archive: where it is, and which suite and components are taken from it.
#[derive(Debug, PartialEq)]
struct Archive {
    uri: String,
    suite: String,
    components: Vec<String>,
}

fn files(etc: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(etc.join("sources.list.d"))
        .map(|entries| entries.flatten().map(|entry| entry.path()).collect())
        .unwrap_or_default();
    let known = |file: &PathBuf| {
        file.extension()
            .is_some_and(|e| e == "list" || e == "sources")
    };
    files.retain(known);
    files.sort();
    files.insert(0, etc.join("sources.list"));
    files
}

/// Takes the archive of a Debian release itself: not its security updates, which other suites are
/// not kept beside, and nobody else's archive that is made for a Debian release.
fn choose(archives: &[Archive]) -> Option<String> {
    let releases = [
        "bookworm", "trixie", "forky", "sid", "stable", "testing", "unstable",
    ];
    let is_debian = |archive: &&Archive| {
        releases.contains(&archive.suite.as_str())
            && archive
                .components
                .iter()
                .any(|component| component == "main")
    };
    let named = |archive: &&Archive| {
        // A mirror list, as cloud images have it, is a file: its name says what it lists.
        let path = archive.uri.trim_end_matches('/').trim_end_matches(".list");
        path.ends_with("/debian")
    };
    let of_debian = || archives.iter().filter(is_debian);
    let archive = of_debian().find(named).or_else(|| of_debian().next())?;
    Some(archive.uri.clone())
}

fn parse_lines(text: &str) -> Vec<Archive> {
    let lines = text
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default());
    lines.filter_map(parse_line).collect()
}

fn parse_line(line: &str) -> Option<Archive> {
    let rest = line.trim().strip_prefix("deb ")?.trim_start();
    let rest = match rest.strip_prefix('[') {
        Some(options) => options.split_once(']')?.1,
        None => rest,
    };
    let mut words = rest.split_whitespace().map(str::to_owned);
    Some(Archive {
        uri: words.next()?,
        suite: words.next()?,
        components: words.collect(),
    })
}

fn parse_deb822(text: &str) -> Vec<Archive> {
    let without_comments: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).collect();
    let text = without_comments.join("\n");
    text.split("\n\n").flat_map(parse_stanza).collect()
}

fn parse_stanza(stanza: &str) -> Vec<Archive> {
    let words = |name: &str| -> Vec<String> {
        let mut value = String::new();
        let mut inside = false;
        for line in stanza.lines() {
            let continued = line.starts_with([' ', '\t']);
            match line.split_once(':') {
                _ if continued && inside => value.push_str(line),
                Some((key, rest)) if !continued => {
                    inside = key.trim().eq_ignore_ascii_case(name);
                    if inside {
                        value.push_str(rest);
                    }
                }
                _ => {}
            }
        }
        value.split_whitespace().map(str::to_owned).collect()
    };
    let disabled = words("Enabled").first().is_some_and(|word| word == "no");
    if disabled || !words("Types").iter().any(|word| word == "deb") {
        return Vec::new();
    }
    let (uris, suites, components) = (words("URIs"), words("Suites"), words("Components"));
    let archive = |uri: &String, suite: &String| Archive {
        uri: uri.clone(),
        suite: suite.clone(),
        components: components.clone(),
    };
    let pairs = uris
        .iter()
        .flat_map(|uri| suites.iter().map(move |suite| (uri, suite)));
    pairs.map(|(uri, suite)| archive(uri, suite)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: &str = "# deb http://old.example/debian bookworm main\n\
        deb http://mirror.example/debian-security bookworm-security main\n\
        deb [arch=amd64 signed-by=/k.gpg] http://tool.example/linux bookworm stable\n\
        deb-src http://src.example/debian bookworm main\n\
        deb [signed-by=/k.gpg arch=amd64] http://mirror.example/debian bookworm main contrib # ours\n";

    const DEB822: &str = "Types: deb\n# a remark\nURIs: http://mirror.example/debian-security\n\
        Suites: bookworm-security\nComponents: main\n\n\
        Types: deb deb-src\nURIs: http://off.example/debian\nSuites: bookworm\nComponents: main\n\
        Enabled: no\n\n\
        Types: deb\nURIs:\n http://mirror.example/debian/\nSuites: bookworm bookworm-updates\n\
        Components: main\nSigned-By: /k.gpg\n";

    #[test]
    fn reads_one_line_sources() {
        let archives = parse_lines(LINES);
        assert_eq!(archives.len(), 3);
        assert_eq!(archives[2].components, ["main", "contrib"]);
        assert_eq!(
            choose(&archives).as_deref(),
            Some("http://mirror.example/debian")
        );
    }

    #[test]
    fn reads_deb822_sources() {
        let archives = parse_deb822(DEB822);
        assert_eq!(archives.len(), 3);
        assert_eq!(
            choose(&archives).as_deref(),
            Some("http://mirror.example/debian/")
        );
    }

    #[test]
    fn takes_a_mirror_list_and_refuses_other_systems() {
        let cloud = parse_deb822(
            "Types: deb\nURIs: mirror+file:///etc/apt/mirrors/debian.list\nSuites: bookworm\nComponents: main",
        );
        assert_eq!(
            choose(&cloud).as_deref(),
            Some("mirror+file:///etc/apt/mirrors/debian.list")
        );
        let other = parse_lines("deb http://other.example/ubuntu noble main\n");
        assert_eq!(choose(&other), None);
    }

    #[test]
    fn a_folder_without_sources_is_a_clear_error() {
        let error = mirror(Path::new("/nonexistent")).unwrap_err().to_string();
        assert!(
            error.contains("/nonexistent") && error.contains("hint:"),
            "{error}"
        );
    }
}
