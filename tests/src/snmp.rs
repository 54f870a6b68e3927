//! What a network namespace's stack counts: /proc/net/snmp and snmp6.

use std::{collections::BTreeMap, fs};

use anyhow::{Context, Result};

use crate::Netns;

/// Counters by name, as `UdpInErrors`, `TcpInCsumErrors`, `Udp6InCsumErrors`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snmp(BTreeMap<String, i64>);

impl Snmp {
    /// Reads a namespace's counters.
    ///
    /// # Errors
    /// Where they can't be read.
    pub fn of(netns: &Netns) -> Result<Self> {
        netns.within(|| {
            // Not /proc/net: that is the namespace of the process's first thread.
            let read = |name| {
                fs::read_to_string(format!("/proc/thread-self/net/{name}"))
                    .with_context(|| format!("reading {name}"))
            };
            let mut counters = four(&read("snmp")?);
            counters.extend(six(&read("snmp6")?));
            Ok(Self(counters))
        })
    }

    /// How much a counter grew since an earlier reading.
    ///
    /// # Panics
    /// If the kernel has no counter of that name.
    pub fn growth(&self, name: &str, earlier: &Self) -> u64 {
        let of = |it: &Self| it.0.get(name).copied();
        match (of(self), of(earlier)) {
            (Some(now), Some(then)) => u64::try_from(now - then).unwrap_or(0),
            _ => panic!("there is no counter {name}"),
        }
    }
}

/// Pairs of lines, names above and values below, each begun by the protocol.
fn four(text: &str) -> BTreeMap<String, i64> {
    let lines: Vec<_> = text.lines().collect();
    let mut counters = BTreeMap::new();
    for pair in lines.chunks_exact(2) {
        let (mut names, mut values) = (pair[0].split_whitespace(), pair[1].split_whitespace());
        let protocol = names.next().unwrap_or_default().trim_end_matches(':');
        values.next();
        for (name, value) in names.zip(values) {
            counters.insert(format!("{protocol}{name}"), value.parse().unwrap_or(0));
        }
    }
    counters
}

/// A name and a value a line.
fn six(text: &str) -> BTreeMap<String, i64> {
    text.lines()
        .filter_map(|line| line.split_once(char::is_whitespace))
        .map(|(name, value)| (name.to_owned(), value.trim().parse().unwrap_or(0)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_meet_their_values() {
        let counters = four("Tcp: InSegs InErrs\nTcp: 7 2\nUdp: InErrors\nUdp: -1\n");
        let named: Vec<_> = counters.iter().map(|(n, v)| (n.as_str(), *v)).collect();
        assert_eq!(
            named,
            [("TcpInErrs", 2), ("TcpInSegs", 7), ("UdpInErrors", -1)]
        );
        assert_eq!(six("Udp6InErrors   \t 3\n")["Udp6InErrors"], 3);
    }
}
