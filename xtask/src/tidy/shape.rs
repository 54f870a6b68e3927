//! The shape of files: what stands at their head, how long they and their functions are, what
//! they are called.

use std::fmt;

use super::Finding;
use super::source::Source;

/// Lines of a file from where on it is split.
const FILE_LINES: usize = 600;
/// Lines of a file from where on splitting it is thought about.
const FILE_LINES_WARNED: usize = 400;
/// Half of all files are shorter than this.
const MEDIAN_LINES: usize = 150;
/// Lines of a function, signature and closing brace included.
const FUNCTION_LINES: usize = 80;
/// Nine functions in ten are shorter than this.
const MOST_FUNCTION_LINES: usize = 40;

/// Names that say nothing about what is inside.
const EMPTY_NAMES: [&str; 9] = [
    "utils", "util", "helpers", "helper", "common", "misc", "manager", "managers", "stuff",
];

/// Finds what is wrong with one file.
pub(super) fn check(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut report = |line: usize, reason: String| {
        findings.push(Finding::new(&source.file, line, reason));
    };
    if !source.text.starts_with("//!") {
        report(
            1,
            "no `//!` at its head: one to five lines on what it does and does not".into(),
        );
    }
    let lines = source.lines().len();
    if lines > FILE_LINES {
        report(
            0,
            format!("{lines} lines: split it, {FILE_LINES} are the limit"),
        );
    }
    let name = source
        .file
        .rsplit('/')
        .next()
        .unwrap_or_default()
        .trim_end_matches(".rs");
    if name == "mod" {
        report(
            0,
            "mod.rs: put it beside the folder, under the folder's name".into(),
        );
    }
    let (_, modules) = source.modules();
    for module in modules.iter().filter(|module| EMPTY_NAMES.contains(module)) {
        report(
            0,
            format!("called `{module}`: a module is named after what it is about"),
        );
    }
    for (index, code) in source.code.lines().enumerate() {
        if code.contains("#[ignore]") {
            report(
                index + 1,
                "`#[ignore]` without a reason: `#[ignore = \"needs root\"]`".into(),
            );
        }
        if let Some(module) = inline_module(code).filter(|module| EMPTY_NAMES.contains(module)) {
            report(
                index + 1,
                format!("module `{module}`: name it after what it is about"),
            );
        }
    }
    for function in functions(&source.code)
        .iter()
        .filter(|f| f.lines > FUNCTION_LINES)
    {
        let (name, lines) = (&function.name, function.lines);
        report(
            function.line,
            format!("fn {name} has {lines} lines, {FUNCTION_LINES} are the limit"),
        );
    }
    findings
}

/// Whether `source` is long enough to think about splitting it, and not yet too long.
pub(super) fn is_getting_long(source: &Source) -> bool {
    (FILE_LINES_WARNED + 1..=FILE_LINES).contains(&source.lines().len())
}

fn inline_module(code: &str) -> Option<&str> {
    let rest = code
        .trim_start()
        .trim_start_matches("pub(crate) ")
        .trim_start_matches("pub ");
    let name = rest.strip_prefix("mod ")?.trim_end();
    name.strip_suffix('{').map(str::trim)
}

/// A function and how long it is.
#[derive(Debug, PartialEq)]
struct Function {
    name: String,
    line: usize,
    lines: usize,
}

/// Finds the functions of `code` that have a body, nested ones too.
fn functions(code: &str) -> Vec<Function> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("fn ") {
        if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let rest = &code[at + 3..];
        let name: String = rest
            .chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect();
        if name.is_empty() {
            continue;
        }
        if let Some(end) = body_end(rest) {
            let line = code[..at].matches('\n').count() + 1;
            found.push(Function {
                name,
                line,
                lines: rest[..end].matches('\n').count() + 1,
            });
        }
    }
    found
}

/// Where the body that follows a function's name ends; none if a `;` comes in its place.
fn body_end(rest: &str) -> Option<usize> {
    let (mut braces, mut others) = (0_usize, 0_usize);
    for (at, sign) in rest.char_indices() {
        match sign {
            '(' | '[' => others += 1,
            ')' | ']' => others = others.saturating_sub(1),
            ';' if braces == 0 && others == 0 => return None,
            '{' => braces += 1,
            '}' => {
                braces = braces.checked_sub(1)?;
                if braces == 0 && others == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

/// What is measured over all files together.
pub(super) struct Measures {
    files: usize,
    median: usize,
    functions: usize,
    short_functions: usize,
}

/// Measures all files together.
pub(super) fn measure(sources: &[Source]) -> Measures {
    let mut lengths: Vec<_> = sources.iter().map(|source| source.lines().len()).collect();
    lengths.sort_unstable();
    let functions: Vec<_> = sources
        .iter()
        .flat_map(|source| functions(&source.code))
        .collect();
    let short = functions
        .iter()
        .filter(|function| function.lines < MOST_FUNCTION_LINES);
    Measures {
        files: lengths.len(),
        median: lengths.get(lengths.len() / 2).copied().unwrap_or(0),
        short_functions: short.count(),
        functions: functions.len(),
    }
}

impl Measures {
    /// Finds what is wrong with all files together.
    pub(super) fn check(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        if self.median >= MEDIAN_LINES {
            let reason = format!(
                "the median file has {} lines, not under {MEDIAN_LINES}",
                self.median
            );
            findings.push(Finding::new("Cargo.toml", 0, reason));
        }
        if self.short_functions * 10 < self.functions * 9 {
            let (short, all) = (self.short_functions, self.functions);
            let reason = format!(
                "{short} of {all} functions have under {MOST_FUNCTION_LINES} lines, not nine in ten"
            );
            findings.push(Finding::new("Cargo.toml", 0, reason));
        }
        findings
    }
}

impl fmt::Display for Measures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            files,
            median,
            functions,
            short_functions,
        } = self;
        write!(f, "{files} files of {median} lines in the median, ")?;
        write!(
            f,
            "{short_functions} of {functions} functions under {MOST_FUNCTION_LINES} lines"
        )
    }
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

    #[test]
    fn a_file_says_what_it_is() {
        assert!(reasons("lab/src/shop.rs", "//! The shop.\n").is_empty());
        assert!(
            reasons("lab/src/shop.rs", "use x;\n")[0].starts_with("lab/src/shop.rs:1: no `//!`")
        );
        assert_eq!(reasons("lab/src/shop/mod.rs", "//! x\n").len(), 1);
        assert_eq!(reasons("lab/src/utils.rs", "//! x\n").len(), 1);
        assert_eq!(
            reasons("lab/src/helpers/http.rs", "//! x\nmod misc {\n}\n").len(),
            2
        );
        assert!(reasons("probe-common/src/lib.rs", "//! x\n").is_empty());
    }

    #[test]
    fn files_and_functions_are_short() {
        let long = format!("//! x\n{}", "\n".repeat(600));
        assert!(reasons("lab/src/shop.rs", &long)[0].contains("601 lines"));
        let body = "    x();\n".repeat(79);
        let function = format!(
            "//! x\nfn short() {{\n{}}}\nfn long(\n) {{\n{body}}}\n",
            "x();\n".repeat(78)
        );
        let found = reasons("lab/src/shop.rs", &function);
        assert_eq!(
            found,
            ["lab/src/shop.rs:82: fn long has 82 lines, 80 are the limit"]
        );
    }

    #[test]
    fn an_ignored_test_says_why() {
        assert_eq!(
            reasons("tests/tests/x.rs", "//! x\n#[ignore]\nfn f() {}")[0]
                .split(':')
                .nth(1),
            Some("2")
        );
        assert!(
            reasons(
                "tests/tests/x.rs",
                "//! x\n#[ignore = \"needs root\"]\nfn f() {}"
            )
            .is_empty()
        );
    }

    #[test]
    fn finds_functions_with_a_body() {
        let code = "trait T { fn a(x: [u8; 4]); fn b() { c() } }\nfn d<F: Fn(u8)>(f: F)\nwhere X: Y\n{\n}\nlet f: fn (u8);";
        let found: Vec<_> = functions(code)
            .into_iter()
            .map(|f| (f.name, f.line, f.lines))
            .collect();
        assert_eq!(found, [("b".to_owned(), 1, 1), ("d".to_owned(), 2, 4)]);
    }

    #[test]
    fn measures_all_files_together() {
        let file = |lines: usize| Source::new("x.rs", &"\n".repeat(lines));
        let measures = measure(&[file(10), file(160), file(170)]);
        assert_eq!(measures.median, 160);
        assert_eq!(measures.check().len(), 1);
        assert!(measure(&[file(10), file(20), file(600)]).check().is_empty());
    }
}
