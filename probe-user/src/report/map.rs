//! Who calls whom as a graph: services and dependencies are its nodes, calls its edges.

use std::net::SocketAddr;

use super::observed::{
    Observation,
    groups::{self, Group, Row},
    text::{quantile, rate},
};
use crate::model::names::Source;

mod dot;
mod mermaid;
mod tree;

/// How a map is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For graphviz.
    Dot,
    /// For Mermaid, as in Markdown on many sites.
    Mermaid,
    /// For a terminal.
    Text,
}

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A service of this host.
    Service,
    /// Something that is called, wherever it is.
    Remote,
    /// Whoever calls a service without being seen to.
    Callers,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Node {
    kind: Kind,
    name: String,
    /// What tells it from others of its name.
    detail: String,
}

#[derive(Clone, Debug, PartialEq)]
struct Edge {
    from: usize,
    to: usize,
    protocol: &'static str,
    rate: String,
    p99: String,
    /// Calls that failed or were given up.
    failed: u64,
}

/// Services, dependencies, and the calls between them.
#[derive(Clone, Debug, Default, PartialEq)]
struct Graph {
    nodes: Vec<Node>,
    edges: Vec<Edge>,
}

/// The map of an observation.
pub fn map(seen: &Observation<'_>, format: Format) -> String {
    let graph = Graph::of(&groups::of(seen), seen.window_ms);
    match format {
        Format::Dot => dot::text(&graph),
        Format::Mermaid => mermaid::text(&graph),
        Format::Text => tree::text(&graph),
    }
}

impl Graph {
    fn of(groups: &[Group], window_ms: u64) -> Self {
        let mut graph = Self::default();
        for group in groups {
            graph.nodes.push(Node {
                kind: Kind::Service,
                name: group.title().to_owned(),
                detail: group.who(),
            });
        }
        let mut is_called = vec![false; groups.len()];
        for (from, group) in groups.iter().enumerate() {
            for row in &group.calls {
                let here = serving(groups, group, row);
                let to = here.unwrap_or_else(|| graph.remote(row));
                // Who calls itself may have other callers, who aren't seen.
                if let Some(called) = here.filter(|called| *called != from) {
                    is_called[called] = true;
                }
                graph.edges.push(Edge::of(row, from, to, window_ms));
            }
        }
        for (to, group) in groups.iter().enumerate() {
            if is_called[to] || group.serves.is_empty() {
                continue;
            }
            let from = graph.node(Node {
                kind: Kind::Callers,
                name: "callers".to_owned(),
                detail: String::new(),
            });
            for row in &group.serves {
                graph.edges.push(Edge::of(row, from, to, window_ms));
            }
        }
        graph
    }

    fn remote(&mut self, row: &Row) -> usize {
        let detail = match row.at.first() {
            Some(at) if row.named != Source::Address => at.to_string(),
            _ => String::new(),
        };
        self.node(Node {
            kind: Kind::Remote,
            name: row.name.clone(),
            detail,
        })
    }

    fn node(&mut self, node: Node) -> usize {
        let known = self.nodes.iter().position(|known| *known == node);
        known.unwrap_or_else(|| {
            self.nodes.push(node);
            self.nodes.len() - 1
        })
    }
}

impl Edge {
    fn of(row: &Row, from: usize, to: usize, window_ms: u64) -> Self {
        Self {
            from,
            to,
            protocol: row.protocol,
            rate: rate(row.rate(window_ms)),
            p99: quantile(&row.latency, 0.99),
            failed: row.errors + row.abandoned,
        }
    }

    fn failures(&self) -> String {
        match self.failed {
            1 => "1 failed".to_owned(),
            failed => format!("{failed} failed"),
        }
    }
}

/// Which service of this host is behind a dependency, where exactly one can be: it was reached at
/// that address, or shares the caller's loopback.
fn serving(groups: &[Group], caller: &Group, row: &Row) -> Option<usize> {
    let serves = |group: &Group, at: &SocketAddr| {
        let mut ports = group.serves.iter();
        ports.any(|served| match at.ip().is_loopback() {
            true => group.netns_cookie == caller.netns_cookie && served.port == at.port(),
            false => served.at.contains(at),
        })
    };
    let mut behind = groups
        .iter()
        .enumerate()
        .filter(|(_, group)| row.at.iter().any(|at| serves(group, at)));
    let (found, _) = behind.next()?;
    behind.next().is_none().then_some(found)
}

#[cfg(test)]
mod tests;
