//! Prometheus' text format, version 0.0.4: a family of samples, their help and type.

use std::fmt::Display;

/// What kind of figure a family has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// It only grows.
    Counter,
    /// It goes up and down.
    Gauge,
    /// Counts below bounds, a sum and a count.
    Histogram,
}

/// Samples of one name.
pub(super) struct Family {
    name: &'static str,
    head: String,
    samples: String,
}

impl Family {
    /// A family without samples.
    pub(super) fn new(name: &'static str, kind: Kind, help: &str) -> Self {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        let help = help.replace('\\', "\\\\").replace('\n', "\\n");
        Self {
            name,
            head: format!("# HELP {name} {help}\n# TYPE {name} {kind}\n"),
            samples: String::new(),
        }
    }

    /// The same with a sample more.
    pub(super) fn value(mut self, labels: &[(&str, &str)], value: impl Display) -> Self {
        self.add("", labels, value);
        self
    }

    /// Adds a sample; `suffix` is behind the family's name.
    pub(super) fn add(&mut self, suffix: &str, labels: &[(&str, &str)], value: impl Display) {
        let labels: Vec<_> = labels
            .iter()
            .map(|(name, value)| format!("{name}=\"{}\"", escaped(value)))
            .collect();
        let labels = match labels.is_empty() {
            true => String::new(),
            false => format!("{{{}}}", labels.join(",")),
        };
        self.samples += &format!("{}{suffix}{labels} {value}\n", self.name);
    }

    /// The family as text; nothing where it has no sample.
    pub(super) fn text(self) -> String {
        match self.samples.is_empty() {
            true => String::new(),
            false => self.head + &self.samples,
        }
    }
}

fn escaped(value: &str) -> String {
    let mut out = String::new();
    for c in value.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            '\n' => out.push_str("\\n"),
            c => out.push(c),
        }
    }
    out
}
