//! The map for a terminal: below each caller, whom it calls.

use super::{Edge, Graph, Node};
use crate::report::observed::visible;

/// The whole graph.
pub(super) fn text(graph: &Graph) -> String {
    let mut text = String::new();
    for from in order(graph) {
        let edges: Vec<_> = graph.edges.iter().filter(|it| it.from == from).collect();
        if edges.is_empty() {
            continue;
        }
        text += &format!("{}\n", title(&graph.nodes[from]));
        let names = edges.iter().map(|edge| title(&graph.nodes[edge.to]));
        let names: Vec<_> = names.collect();
        let width = names.iter().map(|it| it.chars().count()).max().unwrap_or(0);
        for (n, (edge, name)) in edges.iter().zip(&names).enumerate() {
            let branch = if n + 1 == edges.len() { "└" } else { "├" };
            text += &format!("{branch}─▶ {name:<width$}  {}\n", figures(edge));
        }
        text.push('\n');
    }
    match text.is_empty() {
        true => "no call was seen\n".to_owned(),
        false => text.trim_end().to_owned() + "\n",
    }
}

/// Callers whom nobody is seen to call come first.
fn order(graph: &Graph) -> Vec<usize> {
    let is_called = |n: &usize| graph.edges.iter().any(|edge| edge.to == *n);
    let (called, first): (Vec<_>, Vec<_>) = (0..graph.nodes.len()).partition(is_called);
    first.into_iter().chain(called).collect()
}

fn title(node: &Node) -> String {
    visible(&match node.detail.as_str() {
        "" => node.name.clone(),
        detail => format!("{} ({detail})", node.name),
    })
}

fn figures(edge: &Edge) -> String {
    format!(
        "{}  {}  p99 {}  {}",
        edge.protocol,
        edge.rate,
        edge.p99,
        edge.failures()
    )
}
