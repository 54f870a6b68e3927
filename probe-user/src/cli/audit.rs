//! `probe audit verify`: whether the audit log is as it was written.

use std::{fs, path::PathBuf, process::ExitCode};

use anyhow::{Context, Result};
use clap::Subcommand;
use serde::Serialize;

use super::{Common, Output, say};
use crate::{
    audit::chain::{Broken, Whole, verify},
    kernel::audit_log,
};

/// Look after the audit log: who armed which fault, and how it ended
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Each fault is written down before it is armed and when it has ended, in
/var/log/probe/audit.jsonl unless --audit or PROBE_AUDIT names another file.

Examples:
  sudo probe audit verify
  sudo probe audit verify old-audit.jsonl -o json

Exit codes: 0 it is as it was written; 1 it is not; 2 it can't be read.")]
pub struct AuditArgs {
    #[command(subcommand)]
    work: Work,
}

#[derive(Debug, Subcommand)]
enum Work {
    /// Tell whether a line was changed, taken out, put in or cut off since it was written
    Verify {
        /// The log; default: the one that is written to
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
    },
}

#[derive(Serialize)]
struct Document {
    schema: &'static str,
    file: String,
    ok: bool,
    entries: Option<u64>,
    cut_off: Vec<usize>,
    line: Option<usize>,
    problem: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// Where the log can't be read.
pub fn run(args: AuditArgs, common: &Common) -> Result<ExitCode> {
    let Work::Verify { file } = args.work;
    let file = file.unwrap_or_else(|| audit_log::path(common.audit.as_deref()));
    let name = file.display().to_string();
    let log = fs::read(&file).with_context(|| {
        format!("audit log {name}: reading it\nhint: name it, as in `probe audit verify FILE`")
    })?;
    let verified = verify(&log);
    say(&match common.output {
        Output::Text => text(&name, &verified),
        Output::Json => json(name, &verified)? + "\n",
    })?;
    Ok(ExitCode::from(u8::from(verified.is_err())))
}

fn text(name: &str, verified: &Result<Whole, Broken>) -> String {
    match verified {
        Err(Broken { line, why }) => format!("{name}: broken at line {line}: {why}\n"),
        Ok(Whole { entries, cut_off }) => {
            let cut_off = match cut_off.len() {
                0 => String::new(),
                count => format!("; {count} line(s) cut off by a crash, each told of behind it"),
            };
            format!("{name}: whole, {entries} entries{cut_off}\n")
        }
    }
}

fn json(file: String, verified: &Result<Whole, Broken>) -> Result<String> {
    let (whole, broken) = (verified.as_ref().ok(), verified.as_ref().err());
    Ok(serde_json::to_string(&Document {
        schema: "probe.audit-verify/1",
        file,
        ok: broken.is_none(),
        entries: whole.map(|it| it.entries),
        cut_off: whole.map(|it| it.cut_off.clone()).unwrap_or_default(),
        line: broken.map(|it| it.line),
        problem: broken.map(|it| it.why.clone()),
    })?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::schema::tests::complaints;

    #[test]
    fn json_is_what_its_schema_says() {
        for log in ["", "not a line of it\n"] {
            let document = json("audit.jsonl".into(), &verify(log.as_bytes())).unwrap();
            let document = serde_json::from_str(&document).unwrap();
            assert_eq!(complaints("audit-verify", &document), [""; 0]);
        }
    }
}
