//! The map as a flowchart of Mermaid's.

use super::{Graph, Kind};

/// The whole graph.
pub(super) fn text(graph: &Graph) -> String {
    let mut text = String::from("flowchart LR\n");
    for (n, node) in graph.nodes.iter().enumerate() {
        let label = quoted(&[&node.name, &node.detail]);
        text += &match node.kind {
            Kind::Service => format!("  n{n}[{label}]\n"),
            Kind::Remote => format!("  n{n}({label})\n"),
            Kind::Callers => format!("  n{n}([{label}])\n"),
        };
    }
    for edge in &graph.edges {
        let first = format!("{} {}", edge.protocol, edge.rate);
        let p99 = format!("p99 {}", edge.p99);
        let label = quoted(&[&first, &p99, &edge.failures()]);
        text += &format!("  n{} -->|{label}| n{}\n", edge.from, edge.to);
    }
    let failing = graph.edges.iter().enumerate();
    let failing = failing.filter(|(_, edge)| edge.failed > 0);
    let failing: Vec<_> = failing.map(|(n, _)| n.to_string()).collect();
    if !failing.is_empty() {
        text += &format!("  linkStyle {} stroke:red,color:red\n", failing.join(","));
    }
    text
}

/// Lines as one quoted string, in which only line breaks of ours mean anything.
fn quoted(lines: &[&str]) -> String {
    let lines: Vec<_> = lines
        .iter()
        .filter(|line| !line.is_empty())
        .map(|line| escaped(line))
        .collect();
    format!("\"{}\"", lines.join("<br/>"))
}

/// Everything but letters, digits and a few signs as character entities of Mermaid's own, which are
/// put in last: no sign of the name is read as syntax, Markdown or HTML.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            c if c.is_control() => out.push('\u{fffd}'),
            c if c.is_alphanumeric() => out.push(c),
            ' ' | '.' | ',' | ':' | '/' | '-' | '–' | '(' | ')' | '%' => out.push(c),
            c => out.push_str(&format!("#{};", u32::from(c))),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_gets_out_of_the_quotes() {
        assert_eq!(
            quoted(&[
                "a\"] --> b",
                "<script>#quot;`*x*`",
                "\u{1b}\n",
                "10.0.0.7:80",
                ""
            ]),
            "\"a#34;#93; --#62; b<br/>#60;script#62;#35;quot#59;#96;#42;x#42;#96;<br/>\u{fffd}\u{fffd}<br/>10.0.0.7:80\""
        );
    }
}
