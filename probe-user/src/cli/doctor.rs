//! `probe doctor`: whether this host can do it, and what to do where it can't.

use std::{fmt::Write, process::ExitCode};

use anyhow::Result;
use serde::Serialize;

use super::{Common, Output, say, style::Paint};
use crate::kernel::support::{self, Check, Status};

/// Tell whether this host can do it, and what to do where it can't
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Every kernel program is really loaded, and unloaded again; nothing else is touched.

Examples:
  sudo probe doctor
  sudo probe doctor -o json | jq '.checks[] | select(.status != \"ok\")'

Exit codes: 0 it can; 2 a check failed.")]
pub struct DoctorArgs {}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    ok: bool,
    delay_backend: &'static str,
    checks: &'a [Check],
    never_faulted: Vec<String>,
}

/// Runs the command.
///
/// # Errors
/// Where stdout can't be written.
pub fn run(_args: DoctorArgs, common: &Common) -> Result<ExitCode> {
    let checks = support::check_all();
    let ok = checks.iter().all(|check| check.status != Status::Fail);
    say(&match common.output {
        Output::Text => text(&checks, ok, common.color.on_stdout()),
        Output::Json => json(&checks, ok)? + "\n",
    })?;
    Ok(if ok {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(2)
    })
}

fn json(checks: &[Check], ok: bool) -> Result<String> {
    Ok(serde_json::to_string(&Document {
        schema: "probe.doctor/1",
        ok,
        delay_backend: support::delay_backend(),
        checks,
        never_faulted: support::never_faulted().lines(),
    })?)
}

fn text(checks: &[Check], ok: bool, color: bool) -> String {
    let mut text = String::new();
    for check in checks {
        let mark = match check.status {
            Status::Ok => Paint::Good.text("ok  ", color),
            Status::Warn => Paint::Warning.text("warn", color),
            Status::Fail => Paint::Bad.text("fail", color),
        };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{mark}  {:<15}{}", check.name, check.detail);
        if !check.hint.is_empty() {
            let hint = Paint::Hint.text("hint:", color);
            let _ = writeln!(text, "      {:<15}{hint} {}", "", check.hint);
        }
    }
    let _ = writeln!(text, "delay backend: {}", support::delay_backend());
    text += match ok {
        true => "this host can\n",
        false => "this host can't, as it is\n",
    };
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::schema::tests::complaints;

    #[test]
    fn json_is_what_its_schema_says() {
        let document = json(&support::check_all(), true).unwrap();
        let document = serde_json::from_str(&document).unwrap();
        assert_eq!(complaints("doctor", &document), [""; 0]);
    }
}
