//! `cargo xtask vm bench`: probe and netem side by side, where there is a kernel with netem, as a
//! section of docs/performance.md.

use std::fs;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::{boot, prepare};
use crate::process;
use crate::workspace;

/// The word by which the test program knows that it is to compare.
const COMPARE: &str = "compare-with-netem";
/// What the section is called.
const TITLE: &str = "Beside netem";
/// Where it is written.
const PAGE: &str = "docs/performance.md";

/// Compares on one kernel, prints the section, and writes it if asked to.
///
/// # Errors
/// If the machine can't be built or started, or doesn't come to its end.
pub(super) fn run(kernel: &str, patience: Duration, write: bool) -> Result<ExitCode> {
    prepare(kernel)?;
    let run = boot(kernel, patience, COMPARE)?;
    if run.outcome.failed > 0 || run.rows.is_empty() {
        bail!("compare with netem on {kernel}: it did not come to its end");
    }
    let section = section(&run.release, &run.rows, &today()?);
    println!("{section}");
    if write {
        let page = workspace::root().join(PAGE);
        let text = fs::read_to_string(&page).with_context(|| format!("read {PAGE}"))?;
        fs::write(&page, put(&text, &section)).with_context(|| format!("write {PAGE}"))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn today() -> Result<String> {
    let date = process::output(std::process::Command::new("date").arg("+%Y-%m-%d"))?;
    Ok(date.trim().to_owned())
}

fn section(release: &str, rows: &[String], date: &str) -> String {
    let mut text = format!(
        "## {TITLE}\n\n`cargo xtask vm bench`: UDP packets one way over a veth pair between two \
         namespaces of an emulated machine, by probe with either delay backend and by netem (with \
         iproute2's tables) in turn. The machine stalls now and then for milliseconds, whoever \
         delays: compare columns, and trust no microsecond. Under jitter each packet is of a flow \
         of its own; K-S is Kolmogorov and Smirnov's distance from the distribution asked for, and \
         how likely chance makes one as large. Reordered are those that have to be taken out so \
         that the rest is in order.\n\n{date}; Linux {release} in qemu, emulated, 2 CPUs.\n\n\
         | fault | asked | probe, fq | probe, userspace | netem |\n|---|--:|--:|--:|--:|\n"
    );
    for row in rows {
        text.push_str(&format!("| {row} |\n"));
    }
    text
}

/// The page with the section in it, in the place of the one before.
fn put(page: &str, section: &str) -> String {
    let heading = format!("## {TITLE}\n");
    let Some(from) = page.find(&heading) else {
        return format!("{}\n\n{section}", page.trim_end());
    };
    let behind = &page[from + heading.len()..];
    let rest = behind.find("\n## ").map_or("", |at| &behind[at..]);
    format!("{}{section}{rest}", &page[..from])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_replaces_the_one_before_and_leaves_others() {
        let first = put(
            "# Page\n\n## A\n\na\n",
            &section("1", &["x | 1".into()], "d"),
        );
        let page = format!("{first}\n## B\n\nb\n");
        let second = put(&page, &section("2", &["x | 2".into()], "d"));
        assert!(second.contains("| x | 2 |") && !second.contains("| x | 1 |"));
        assert!(second.contains("## A\n\na\n") && second.ends_with("\n## B\n\nb\n"));
        assert_eq!(second.matches(TITLE).count(), 1);
    }
}
