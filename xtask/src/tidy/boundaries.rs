//! Who may name whom: the pure modules no I/O, each library only the modules that own it.

use super::Finding;
use super::paths::{self, Named};
use super::source::Source;

/// Modules of probe-user that are functions of their arguments: time and input are handed in.
const PURE: [&str; 9] = [
    "scenario", "plan", "fault", "model", "protocol", "pattern", "verdict", "report", "journal",
];

/// What a pure module does not name: crates, I/O, clocks and unseeded randomness.
const IMPURE: [&str; 20] = [
    "aya",
    "aya_log",
    "tokio",
    "ratatui",
    "crossterm",
    "rtnetlink",
    "nix",
    "libc",
    "std::fs",
    "std::io::stdin",
    "std::io::stdout",
    "std::process",
    "std::thread",
    "std::net::TcpStream",
    "std::net::TcpListener",
    "std::net::UdpSocket",
    "Instant::now",
    "SystemTime::now",
    "rand::rng",
    "rand::random",
];

/// Something in a crate that only some modules may name; no module is the crate's root.
struct Fence {
    package: &'static str,
    path: &'static str,
    modules: &'static [&'static str],
    reason: &'static str,
}

/// Every fence, each a sentence of ARCHITECTURE.md.
const FENCES: [Fence; 9] = [
    Fence {
        package: "probe-user",
        path: "aya",
        modules: &["kernel"],
        reason: "only kernel/ names aya",
    },
    Fence {
        package: "probe-user",
        path: "aya_log",
        modules: &["kernel"],
        reason: "only kernel/ names aya",
    },
    Fence {
        package: "probe-user",
        path: "ratatui",
        modules: &["tui"],
        reason: "only tui/ names ratatui",
    },
    Fence {
        package: "probe-user",
        path: "crossterm",
        modules: &["tui"],
        reason: "only tui/ names crossterm",
    },
    Fence {
        package: "probe-user",
        path: "clap",
        modules: &["cli", ""],
        reason: "only cli/ names clap",
    },
    Fence {
        package: "probe-user",
        path: "crate::engine",
        modules: &["engine", "cli", ""],
        reason: "only cli imports engine",
    },
    Fence {
        package: "probe-user",
        path: "lab",
        modules: &[],
        reason: "probe knows nothing of the lab",
    },
    Fence {
        package: "lab",
        path: "probe_user",
        modules: &[],
        reason: "the lab knows nothing of probe",
    },
    Fence {
        package: "lab",
        path: "probe_common",
        modules: &[],
        reason: "the lab knows nothing of probe",
    },
];

/// Modules of probe-user that read the same model and know neither each other nor the kernel.
const SIBLINGS: [(&str, [&str; 2]); 2] = [
    ("tui", ["crate::report", "crate::kernel"]),
    ("report", ["crate::tui", "crate::kernel"]),
];

/// Finds every path that crosses a boundary.
pub(super) fn check(source: &Source) -> Vec<Finding> {
    let (package, modules) = source.modules();
    let module = modules.first().copied().unwrap_or_default();
    let named = paths::named(source);
    let mut findings = Vec::new();
    let mut report = |path: &Named, reason: String| {
        findings.push(Finding::new(&source.file, path.line, reason));
    };
    for path in &named {
        for fence in FENCES.iter().filter(|fence| fence.package == package) {
            if !fence.modules.contains(&module) && names(path, fence.path) {
                report(path, format!("names `{}`: {}", fence.path, fence.reason));
            }
        }
        if package != "probe-user" {
            continue;
        }
        // A test may read a recorded case; what it tests may not.
        if PURE.contains(&module) && !path.in_test {
            for impure in IMPURE.iter().filter(|impure| names(path, impure)) {
                report(
                    path,
                    format!("names `{impure}`: {module} is pure, hand it in as an argument"),
                );
            }
        }
        for (_, others) in SIBLINGS.iter().filter(|(sibling, _)| *sibling == module) {
            for other in others.iter().filter(|other| names(path, other)) {
                report(
                    path,
                    format!("names `{other}`: {module} knows only the model"),
                );
            }
        }
    }
    findings.dedup();
    findings
}

/// Whether `path` is `wanted` or something in it. What begins with a type, as `Instant::now`, may
/// stand after any other segments; all else begins the path.
fn names(path: &Named, wanted: &str) -> bool {
    let wanted: Vec<_> = wanted.split("::").collect();
    let has = |window: &[String]| window.iter().zip(&wanted).all(|(a, b)| a == b);
    if wanted[0].starts_with(char::is_uppercase) {
        return path.segments.windows(wanted.len()).any(has);
    }
    path.segments.len() >= wanted.len() && has(&path.segments)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reasons(file: &str, text: &str) -> Vec<String> {
        check(&Source::new(file, text))
            .into_iter()
            .map(|finding| finding.to_string())
            .collect()
    }

    fn is_good(file: &str, text: &str) {
        assert_eq!(reasons(file, text), Vec::<String>::new(), "{file}");
    }

    fn is_bad(file: &str, text: &str, reason: &str) {
        let reasons = reasons(file, text);
        assert!(
            reasons.iter().any(|found| found.contains(reason)),
            "{file}: {reasons:?}"
        );
    }

    #[test]
    fn pure_modules_take_what_they_need() {
        let verdict = "probe-user/src/verdict.rs";
        is_good(
            verdict,
            "use std::time::{Duration, Instant};\nfn f(now: Instant) -> Duration { now - x }",
        );
        is_good(
            verdict,
            "// tokio::spawn, Instant::now()\nconst HELP: &str = \"std::fs::read\";",
        );
        is_good(
            verdict,
            "use std::net::{IpAddr, SocketAddr};\nstruct X { process: u32 }",
        );
        is_good(verdict, "mod tests { fn f() { std::fs::read(\"case\") } }");
        is_bad(
            verdict,
            "\nfn f() { let now = Instant::now(); }",
            "verdict.rs:2: names `Instant::now`",
        );
        is_bad(
            verdict,
            "use std::{collections::HashMap, fs};",
            "names `std::fs`",
        );
        is_bad(
            "probe-user/src/pattern/retry.rs",
            "use tokio::time::sleep;",
            "pattern is pure",
        );
        is_bad(
            "probe-user/src/plan/encode.rs",
            "let x = rand::rng();",
            "names `rand::rng`",
        );
    }

    #[test]
    fn libraries_have_owners() {
        is_good("probe-user/src/kernel/loader.rs", "use aya::Ebpf;");
        is_good("probe-user/src/kernel.rs", "use aya::Ebpf;");
        is_good("probe-user/src/model.rs", "struct Aya { aya: u8 }");
        is_bad(
            "probe-user/src/engine.rs",
            "fn f(x: &mut aya::Ebpf) {}",
            "only kernel/ names aya",
        );
        is_bad(
            "probe-user/src/cli/watch.rs",
            "use ratatui::Frame;",
            "only tui/ names ratatui",
        );
        is_good("probe-user/src/main.rs", "use clap::Parser;");
        is_bad(
            "probe-user/src/plan.rs",
            "#[derive(clap::Args)]",
            "only cli/ names clap",
        );
        is_good("xtask/src/main.rs", "use clap::Parser;");
    }

    #[test]
    fn only_cli_imports_the_engine() {
        is_good("probe-user/src/cli/run.rs", "use crate::engine::Engine;");
        is_bad(
            "probe-user/src/tui/state.rs",
            "use crate::engine;",
            "only cli imports engine",
        );
        is_bad(
            "probe-user/src/tui.rs",
            "use super::engine::Engine;",
            "only cli imports engine",
        );
    }

    #[test]
    fn siblings_know_only_the_model() {
        is_good(
            "probe-user/src/tui/view/timeline.rs",
            "use crate::model::Call;",
        );
        is_bad(
            "probe-user/src/tui/view.rs",
            "use crate::report::json;",
            "tui knows only the model",
        );
        is_bad(
            "probe-user/src/report/html.rs",
            "use super::super::kernel;",
            "report knows only the model",
        );
    }

    #[test]
    fn probe_and_lab_are_strangers() {
        is_bad(
            "lab/src/shop.rs",
            "use probe_common::names;",
            "the lab knows nothing of probe",
        );
        is_good("lab/src/shop.rs", "use crate::probe::health;");
    }
}
