//! What a fault would touch right now, in words and for JSON.

use serde::Serialize;

/// How many processes are named.
const NAMED: usize = 5;

/// Connections to the endpoints of a fault.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Reached {
    /// How many.
    pub connections: usize,
    /// Whose, those with most first.
    pub processes: Vec<Party>,
}

/// A process and its connections.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Party {
    /// Its id; missing where it can't be told whose they are.
    pub pid: Option<u32>,
    /// Its command name.
    pub name: Option<String>,
    /// How many of the connections are its.
    pub connections: usize,
}

impl Reached {
    /// "12 connections of 3 processes: shop 41 (8), cart 57 (3), 60 (1)".
    pub fn words(&self) -> String {
        if self.connections == 0 {
            return "no TCP connection there is now".to_owned();
        }
        let named: Vec<_> = self
            .processes
            .iter()
            .take(NAMED)
            .map(Party::words)
            .collect();
        let more = match self.processes.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        format!(
            "{} of {}: {}{more}",
            counted(self.connections, "connection", "connections"),
            counted(self.processes.len(), "process", "processes"),
            named.join(", ")
        )
    }
}

impl Party {
    fn words(&self) -> String {
        let who = match (&self.name, self.pid) {
            (Some(name), Some(pid)) => format!("{name} {pid}"),
            (None, Some(pid)) => pid.to_string(),
            (_, None) => "unknown".to_owned(),
        };
        format!("{who} ({})", self.connections)
    }
}

fn counted(count: usize, one: &str, many: &str) -> String {
    match count {
        1 => format!("1 {one}"),
        count => format!("{count} {many}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_as_a_sentence_goes_on() {
        let party = |pid: u32, connections| Party {
            pid: Some(pid),
            name: Some("shop".into()),
            connections,
        };
        let mut reached = Reached::default();
        assert_eq!(reached.words(), "no TCP connection there is now");
        reached.processes = vec![party(7, 1)];
        reached.connections = 1;
        assert_eq!(reached.words(), "1 connection of 1 process: shop 7 (1)");
        reached.processes = (1..=7).map(|pid| party(pid, 2)).collect();
        reached.connections = 14;
        let words = reached.words();
        assert!(words.starts_with("14 connections of 7 processes: shop 1 (2), "));
        assert!(words.ends_with("shop 5 (2) and 2 more"), "{words}");
    }
}
