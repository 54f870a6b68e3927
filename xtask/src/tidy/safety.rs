//! `unsafe` only where the kernel boundary is, and never without the reason why it is sound.

use super::Finding;
use super::source::Source;

/// What opens a block rather than a value with named fields.
const BLOCKS: [&str; 10] = [
    "fn", "if", "else", "for", "while", "loop", "match", "unsafe", "impl", "mod",
];

/// Finds `unsafe` where it may not be, and blocks or impls without a `SAFETY:` line.
pub(super) fn check(source: &Source) -> Vec<Finding> {
    let (package, modules) = source.modules();
    let allowed = package != "probe-user" || modules.first() == Some(&"kernel");
    let code: Vec<_> = source.code.lines().collect();
    let text = source.lines();
    let mut findings = Vec::new();
    for (index, line) in code.iter().enumerate() {
        let Some(at) = word(line, "unsafe") else {
            continue;
        };
        let mut report = |reason: &str| {
            findings.push(Finding::new(&source.file, index + 1, reason));
        };
        if !allowed {
            report("`unsafe` in probe-user is only for kernel/");
        }
        let after = line[at + "unsafe".len()..].trim_start();
        let needs_reason = after.starts_with('{') || word(after, "impl") == Some(0);
        if needs_reason && !has_reason(&text, &code, index) {
            report("`unsafe` without a `// SAFETY:` line above it");
        }
    }
    findings
}

/// Where `line` has `wanted` as a whole word.
fn word(line: &str, wanted: &str) -> Option<usize> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(wanted).map(|(at, _)| at).find(|at| {
        !line[..*at].ends_with(is_part) && !line[at + wanted.len()..].starts_with(is_part)
    })
}

/// Whether a comment on the line, or above the statement it is part of, says `SAFETY:`.
fn has_reason(text: &[&str], code: &[&str], index: usize) -> bool {
    let says = |line: usize| text[line].contains("// SAFETY:");
    if says(index) {
        return true;
    }
    for line in (0..index).rev() {
        if says(line) {
            return true;
        }
        let written = code[line].trim_end();
        let is_comment = written.is_empty() && !text[line].trim().is_empty();
        // A line that ends a statement or opens a block is no part of this statement; one that opens
        // a struct is.
        let opens_block =
            written.ends_with('{') && BLOCKS.iter().any(|block| word(written, block).is_some());
        let ends = written.is_empty() || written.ends_with([';', '}']) || opens_block;
        if ends && !is_comment {
            return false;
        }
    }
    false
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
    fn unsafe_belongs_to_the_kernel_boundary() {
        let text = "fn f() {\n    // SAFETY: it is.\n    unsafe { g() }\n}";
        assert!(reasons("probe-user/src/kernel/maps.rs", text).is_empty());
        assert!(reasons("probe-user/src/kernel.rs", text).is_empty());
        assert!(reasons("lab/src/netns.rs", text).is_empty());
        let found = reasons("probe-user/src/cli.rs", text);
        assert_eq!(
            found,
            ["probe-user/src/cli.rs:3: `unsafe` in probe-user is only for kernel/"]
        );
        assert!(reasons("probe-user/src/cli.rs", "#![deny(unsafe_code)] // unsafe").is_empty());
    }

    #[test]
    fn each_block_says_why() {
        let good = [
            "// SAFETY: so.\nlet x =\n    unsafe { g() };",
            "// SAFETY: so,\n// and so.\n#[inline]\nunsafe impl Pod for X {}",
            "let x = unsafe { g() }; // SAFETY: so.",
            "unsafe fn f() {}",
            "// SAFETY: so.\nSelf {\n    a,\n    b: unsafe { g() },\n}",
        ];
        for text in good {
            assert!(reasons("probe-ebpf/src/maps.rs", text).is_empty(), "{text}");
        }
        let bad = [
            "unsafe { g() }",
            "// SAFETY: of the block.\nif x {\n    unsafe { g() }\n}",
            "// SAFETY: of another.\nf();\nunsafe { g() }",
            "// SAFETY: too far.\n\nunsafe impl Pod for X {}",
            "f(\"SAFETY:\"); unsafe { g() }",
        ];
        for text in bad {
            assert_eq!(reasons("probe-ebpf/src/maps.rs", text).len(), 1, "{text}");
        }
    }
}
