//! The grammar: what is understood, and what is refused in which words.

use clap::CommandFactory;

use super::*;

fn words(line: &str) -> Result<Cli, clap::Error> {
    let words = line.split(' ').map(OsString::from).collect();
    parse(words, Color::Never)
}

#[test]
fn the_grammar_holds_together() {
    Cli::command().debug_assert();
}

#[test]
fn no_command_is_watch() {
    assert!(words("probe").unwrap().command.is_none());
}

#[test]
fn global_options_go_before_and_after_the_command() {
    for line in ["probe -o json -v status", "probe status -o json -v"] {
        let cli = words(line).unwrap();
        assert_eq!((cli.common.output, cli.common.verbose), (Output::Json, 1));
    }
}

#[test]
fn the_contracts_lines_are_understood() {
    for line in [
        "probe doctor",
        "probe observe --for 10s --events --to :80",
        "probe watch --scenario x.toml --netns pid:1",
        "probe inject delay 200ms --jitter 50ms --to 10.0.0.7:80 --for 30s",
        "probe inject --to [fd00::7]:80 --proto tcp loss 10% --direction both --seed 7",
        "probe inject corrupt 5% --mode payload --to a.example --interface v1 --interface v2",
        "probe inject blackhole --everything --dry-run",
        "probe check x.toml",
        "probe run x.toml --headless --seed 7",
        "probe run x.toml --headless --report out --slo 99.9% --slo-window 168h",
        "probe history out --fail-on-regression -o json",
        "probe stop",
        "probe status",
        "probe demo --headless --without timeout --without retry",
        "probe demo --headless --report out",
    ] {
        assert!(words(line).is_ok(), "{line}");
    }
}

#[test]
fn what_is_mistyped_is_refused_with_the_reason() {
    for (line, reason) in [
        (
            "probe inject delay 1s --to 10.0.0.7:80 --for 30",
            "30 has no unit",
        ),
        ("probe inject delay 1s --to http://x/", "is a URL"),
        (
            "probe inject delay 1s --to x --everything",
            "cannot be used with",
        ),
        ("probe run", "<SCENARIO>"),
        ("probe injekt", "unrecognized subcommand"),
    ] {
        let told = words(line).unwrap_err().to_string();
        assert!(told.contains(reason), "{line}: {told}");
    }
}

#[test]
fn colour_is_found_wherever_it_stands() {
    let asked = |line: &str| {
        let words: Vec<_> = line.split(' ').map(OsString::from).collect();
        style::asked_for(&words)
    };
    assert_eq!(asked("probe --color never bogus"), Color::Never);
    assert_eq!(asked("probe status --color=always"), Color::Always);
    assert_eq!(asked("probe status"), Color::Auto);
}
