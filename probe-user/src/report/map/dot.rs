//! The map in the language of graphviz.

use super::{Edge, Graph, Kind, Node};

/// The whole graph.
pub(super) fn text(graph: &Graph) -> String {
    let mut text = String::from(
        "digraph probe {\n  rankdir=LR;\n  node [fontname=\"sans-serif\"];\n  \
         edge [fontname=\"sans-serif\", fontsize=10];\n",
    );
    for (n, node) in graph.nodes.iter().enumerate() {
        text += &format!("  n{n} [{}];\n", looks(node));
    }
    for edge in &graph.edges {
        text += &format!("  n{} -> n{} [{}];\n", edge.from, edge.to, label(edge));
    }
    text + "}\n"
}

fn looks(node: &Node) -> String {
    let shape = match node.kind {
        Kind::Service => "shape=box, style=\"rounded,bold\"",
        Kind::Remote => "shape=box, style=rounded",
        Kind::Callers => "shape=plaintext",
    };
    format!("label={}, {shape}", quoted(&[&node.name, &node.detail]))
}

fn label(edge: &Edge) -> String {
    let failures = edge.failures();
    let p99 = format!("p99 {}", edge.p99);
    let first = format!("{} {}", edge.protocol, edge.rate);
    let colour = if edge.failed > 0 {
        ", color=red, fontcolor=red"
    } else {
        ""
    };
    format!("label={}{colour}", quoted(&[&first, &p99, &failures]))
}

/// Lines as one quoted string. Backslashes begin graphviz's own escapes, in which it would put
/// names of its own; what can't be seen is left out of it.
fn quoted(lines: &[&str]) -> String {
    let lines: Vec<_> = lines
        .iter()
        .filter(|line| !line.is_empty())
        .map(|line| escaped(line))
        .collect();
    format!("\"{}\"", lines.join("\\n"))
}

fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            // Character entities are understood in any label.
            '&' => out.push_str("&amp;"),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
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
            quoted(&["a\"];evil[\"", "b\\", "\n\u{1b}[2J", "&lt;", ""]),
            "\"a\\\"];evil[\\\"\\nb\\\\\\n\u{fffd}\u{fffd}[2J\\n&amp;lt;\""
        );
    }
}
