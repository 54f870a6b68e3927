//! Text of anybody's making inside XML, HTML and Markdown: it stays text.
//!
//! Names come from processes, hosts and scenarios; none is trusted.

/// Text inside an element or an attribute in double quotes, of XML 1.0 and of HTML alike.
pub fn xml(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe += "&amp;",
            '<' => safe += "&lt;",
            '>' => safe += "&gt;",
            '"' => safe += "&quot;",
            '\'' => safe += "&#39;",
            '\n' | '\t' => safe.push(c),
            c => safe.push(shown(c)),
        }
    }
    safe
}

/// Text inside a paragraph or a table's cell of Markdown, on one line.
pub fn markdown(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' => safe.push(' '),
            '<' => safe += "&lt;",
            '>' => safe += "&gt;",
            '&' => safe += "&amp;",
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '#' | '!' => {
                safe.push('\\');
                safe.push(c);
            }
            c => safe.push(shown(c)),
        }
    }
    safe
}

/// A line of code in Markdown, which nothing inside can end.
pub fn markdown_code(text: &str) -> String {
    let one_line: String = text.chars().map(shown).collect();
    let longest = one_line
        .split(|c| c != '`')
        .map(str::len)
        .max()
        .unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    match longest {
        0 => format!("`{one_line}`"),
        _ => format!("{fence} {one_line} {fence}"),
    }
}

/// Neither control characters, some of which XML can't have at all, nor what turns the direction
/// of the text around it.
fn shown(c: char) -> char {
    match c {
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{fffe}' | '\u{ffff}' => '\u{fffd}',
        c if c.is_control() => '\u{fffd}',
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_xml_ends_what_it_is_in() {
        assert_eq!(
            xml("</a><script>\"x' & \u{0}\u{1b}[31m\u{202e}"),
            "&lt;/a&gt;&lt;script&gt;&quot;x&#39; &amp; \u{fffd}\u{fffd}[31m\u{fffd}"
        );
    }

    #[test]
    fn nothing_in_markdown_is_a_mark() {
        assert_eq!(
            markdown("a|b *c* `d` [e](f) <img>\n# g"),
            "a\\|b \\*c\\* \\`d\\` \\[e\\](f) &lt;img&gt; \\# g"
        );
        assert_eq!(markdown_code("probe stop"), "`probe stop`");
        assert_eq!(markdown_code("a``b"), "``` a``b ```");
    }
}
