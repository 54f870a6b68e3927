//! Where journals are, which of them is meant, and how one is opened.

use std::{
    env, fs,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result, anyhow, bail};
use nix::unistd::geteuid;

use super::tell;
use crate::{
    engine::tape::Destination,
    journal::{Begin, Journal},
    report::calendar,
};

/// Its name in a folder of reports.
pub const NAME: &str = "journal.jsonl";

/// How many are kept where nobody said where.
const KEPT: usize = 20;

/// Letters of a scenario's name that are in the file's.
const MOST_LETTERS: usize = 40;

/// Where journals are kept of whom nobody told where: by the XDG base directories, and of root
/// beside other programs' state.
fn folder() -> PathBuf {
    let set = |name: &str| {
        let path = PathBuf::from(env::var_os(name)?);
        path.is_absolute().then_some(path)
    };
    let state = set("XDG_STATE_HOME").map(|it| it.join("probe/journals"));
    if state.is_none() && geteuid().is_root() {
        return "/var/lib/probe/journals".into();
    }
    let of_home = || set("HOME").map(|it| it.join(".local/state/probe/journals"));
    state
        .or_else(of_home)
        .unwrap_or_else(|| "/var/tmp/probe/journals".into())
}

/// A journal among those that are kept.
pub fn kept(scenario: &str, begin: Begin) -> Destination {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = calendar::utc(now.map_or(0, |it| it.as_secs()));
    let when = now.replace(['-', ':'], "");
    let name = format!("{when}-{}-{}.jsonl", slug(scenario), std::process::id());
    Destination {
        folder: folder(),
        name,
        keep: Some(KEPT),
        begin,
    }
}

/// A name that may be part of a file's.
fn slug(name: &str) -> String {
    let letter = |it: char| match it.is_ascii_alphanumeric() {
        true => it.to_ascii_lowercase(),
        false => '-',
    };
    name.chars().take(MOST_LETTERS).map(letter).collect()
}

/// Reads a journal, or the one in a folder of reports; tells what is wrong with it.
///
/// # Errors
/// Where it can't be read.
pub fn open(file: &Path) -> Result<Journal> {
    let inside = file.join(NAME);
    let file = if file.is_dir() { &inside } else { file };
    let name = file.display();
    if file.metadata().is_ok_and(|it| !it.is_file()) {
        bail!("journal: \"{name}\" is no file");
    }
    let bytes = fs::read(file).with_context(|| {
        format!(
            "journal: reading \"{name}\"\nhint: `probe run` tells at its end where its journal is"
        )
    })?;
    let journal = Journal::read(bytes, &format!("journal \"{name}\""));
    let journal = journal.map_err(|mistake| anyhow!("{mistake}"))?;
    for remark in &journal.remarks {
        tell(&format!("journal: {remark}\n"));
    }
    Ok(journal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_sort_by_time_and_hold_nothing_odd() {
        let place = kept("../Zahlung langsam: \u{1b}[31m", Begin::default());
        assert!(place.name.starts_with("20"), "{}", place.name);
        let odd = |it: char| !it.is_ascii_alphanumeric() && !"-.".contains(it);
        assert!(!place.name.contains(odd), "{}", place.name);
        assert!(!place.name.contains(".."), "{}", place.name);
        assert!(place.name.ends_with(".jsonl"));
    }

    #[test]
    fn what_is_no_journal_is_said() {
        let error = open(Path::new("/nonexistent/j.jsonl")).unwrap_err();
        assert!(format!("{error:#}").contains("hint: "), "{error:#}");
        let error = open(Path::new("/dev/null")).unwrap_err();
        assert!(format!("{error:#}").contains("is no file"), "{error:#}");
    }
}
