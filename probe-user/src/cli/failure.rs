//! How failures are told: one line on stderr, then what can be done about it.

use std::process::ExitCode;

use clap::error::ErrorKind;

use super::style::{Color, Paint, tell};

/// Exit code of usage errors and of hosts that can't.
const USAGE_OR_HOST: u8 = 2;

/// Tells what went wrong; the chain of causes on one line.
pub(super) fn of_work(error: &anyhow::Error, color: Color) -> ExitCode {
    let (message, hints) = one_line(error);
    tell_failure(&message, &hints, color);
    ExitCode::from(USAGE_OR_HOST)
}

/// Tells what was wrong with the words typed, or what help they asked for.
pub(super) fn of_usage(error: &clap::Error, color: Color) -> ExitCode {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            // Where nobody reads the help, nobody misses it.
            let _ = error.print();
            ExitCode::SUCCESS
        }
        _ => {
            let (message, hints) = usage_line(&error.render().to_string());
            tell_failure(&message, &hints, color);
            ExitCode::from(USAGE_OR_HOST)
        }
    }
}

fn tell_failure(message: &str, hints: &[String], color: Color) {
    let on = color.on_stderr();
    let mut text = format!("{} {message}\n", Paint::Bad.text("error:", on));
    for hint in hints {
        text += &format!("{} {hint}\n", Paint::Hint.text("hint:", on));
    }
    tell(&text);
}

/// The chain of causes on one line, and the hints found on the way.
fn one_line(error: &anyhow::Error) -> (String, Vec<String>) {
    let mut messages: Vec<String> = Vec::new();
    let mut hints = Vec::new();
    for cause in error.chain() {
        let text = cause.to_string();
        let mut lines = text.lines();
        let message = lines.next().unwrap_or_default().trim_end_matches(':');
        hints.extend(lines.filter_map(|line| line.strip_prefix("hint: ").map(str::to_owned)));
        // Some errors already say what their cause says.
        let is_said = messages.last().is_some_and(|last| last.contains(message));
        if !is_said {
            messages.push(message.to_owned());
        }
    }
    hints.dedup();
    (messages.join(": "), hints)
}

/// What clap says over several lines, as one, and its tips as hints.
fn usage_line(rendered: &str) -> (String, Vec<String>) {
    let mut message = Vec::new();
    let mut hints = Vec::new();
    let mut usage = None;
    for line in rendered.lines().map(str::trim) {
        let line = line.strip_prefix("error: ").unwrap_or(line);
        if let Some(hint) = line
            .strip_prefix("hint: ")
            .or_else(|| line.strip_prefix("tip: "))
        {
            hints.push(hint.to_owned());
        } else if let Some(values) = line
            .strip_prefix("[possible values: ")
            .and_then(|values| values.strip_suffix(']'))
        {
            hints.push(format!("possible values: {values}"));
        } else if let Some(line) = line.strip_prefix("Usage: ") {
            usage = Some(format!("usage: {line}"));
        } else if usage.is_none() && !line.is_empty() && !line.starts_with("For more information") {
            message.push(line);
        }
    }
    if hints.is_empty() {
        hints.extend(usage);
    }
    (message.join(" "), hints)
}

#[cfg(test)]
mod tests {
    use anyhow::{Context, anyhow};

    use super::*;

    #[test]
    fn a_chain_is_one_line_and_its_hints_come_last() {
        let error = Err::<(), _>(anyhow!("no such thing: inner\nhint: try another"))
            .context("looking for it\nhint: or look elsewhere")
            .unwrap_err();
        let (message, hints) = one_line(&error);
        assert_eq!(message, "looking for it: no such thing: inner");
        assert_eq!(hints, ["or look elsewhere", "try another"]);
    }

    #[test]
    fn what_a_cause_repeats_is_said_once() {
        let error = Err::<(), _>(anyhow!("permission denied"))
            .context("`bpf` failed: permission denied")
            .unwrap_err();
        assert_eq!(one_line(&error).0, "`bpf` failed: permission denied");
    }

    #[test]
    fn usage_errors_are_one_line_too() {
        let rendered = "error: the following required arguments were not provided:\n  <FAULT>\n\n\
                        Usage: probe inject <FAULT> [ARG]\n\nFor more information, try '--help'.";
        let (message, hints) = usage_line(rendered);
        assert_eq!(
            message,
            "the following required arguments were not provided: <FAULT>"
        );
        assert_eq!(hints, ["usage: probe inject <FAULT> [ARG]"]);
    }
}
