//! Starting other programs: every one is named when it fails, and nothing is run through a shell.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};

use anyhow::{Context, Result, bail};

/// Prints one line about what is being done, on stderr: stdout belongs to results.
pub(crate) fn note(message: &str) {
    eprintln!("xtask: {message}");
}

/// Runs `command` with the terminal's own stdin, stdout and stderr.
///
/// # Errors
/// If it can't be started or does not end with 0.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("start {}", describe(command)))?;
    if !status.success() {
        bail!("{} failed: {status}", describe(command));
    }
    Ok(())
}

/// Runs `command` and returns what it wrote to stdout; its stderr is shown only in the error.
///
/// # Errors
/// If it can't be started or does not end with 0.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let out = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("start {}", describe(command)))?;
    if !out.status.success() {
        bail!(
            "{} failed: {}\n{}",
            describe(command),
            out.status,
            String::from_utf8_lossy(&out.stderr).trim_end()
        );
    }
    Ok(String::from_utf8_lossy(&out.stdout).into_owned())
}

/// Runs `command`, handing each line of its stdout to `on_line` as it comes; stderr is inherited.
///
/// # Errors
/// If it can't be started or its output can't be read. How it ended is in the status.
pub(crate) fn stream(command: &mut Command, mut on_line: impl FnMut(&str)) -> Result<ExitStatus> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("start {}", describe(command)))?;
    if let Some(stdout) = child.stdout.take() {
        // Not `lines()`: a test may print bytes that are no UTF-8, which must not end the reading.
        let mut reader = BufReader::new(stdout);
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line)? > 0 {
            on_line(String::from_utf8_lossy(&line).trim_end_matches(['\n', '\r']));
            line.clear();
        }
    }
    Ok(child.wait()?)
}

/// Finds `program` in PATH, or in the system folders that a user's PATH often leaves out.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/sbin"].map(PathBuf::from))
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

/// Whether the caller is root, from the owner of its own `/proc/self`.
pub(crate) fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").is_ok_and(|meta| meta.uid() == 0)
}

/// The command line of `command`, as a person would type it.
pub(crate) fn describe(command: &Command) -> String {
    let mut text = word(command.get_program());
    for argument in command.get_args() {
        let _ = write!(text, " {}", word(argument));
    }
    text
}

fn word(text: &OsStr) -> String {
    let text = text.to_string_lossy();
    if text.is_empty() || text.contains([' ', '\'', '"', '$', '*']) {
        format!("'{}'", text.replace('\'', r"'\''"))
    } else {
        text.into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn describes_what_needs_quotes() {
        let mut command = Command::new("echo");
        command.args(["plain", "two words", ""]);
        assert_eq!(describe(&command), "echo plain 'two words' ''");
    }

    #[test]
    fn names_the_command_that_failed() {
        let error = run(&mut Command::new("false")).unwrap_err();
        assert!(error.to_string().starts_with("false failed: "), "{error}");
    }

    #[test]
    fn streams_lines_that_are_not_utf8() {
        let mut lines = Vec::new();
        let mut command = Command::new("printf");
        command.arg(r"a\n\377b\nlast");
        stream(&mut command, |line| lines.push(line.to_owned())).unwrap();
        assert_eq!(lines, ["a", "\u{fffd}b", "last"]);
    }
}
