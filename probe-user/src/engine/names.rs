//! Far sides that are names: what they mean changes, and the DNS answers that applications get
//! tell it.

use std::path::PathBuf;

use crate::{
    endpoint::EndpointSpec,
    kernel::netns::{Netns, NetnsRef},
    model::names::Called,
    plan::Endpoint,
    protocol::dns,
};

/// Most endpoints that are added to a fault's: more than any name comes to stand for in earnest.
const MOST: usize = 256;

/// The far sides of one fault that are names.
#[derive(Clone, Debug, Default)]
pub struct Names {
    specs: Vec<EndpointSpec>,
    /// Domains that the namespace's resolver tries behind a name.
    search: Vec<String>,
    /// How many endpoints the fault had at first.
    first: usize,
}

impl Names {
    /// Those among a fault's far sides, which had so many endpoints at first.
    pub fn among(specs: &[EndpointSpec], netns: &Netns, first: usize) -> Self {
        let names = specs.iter().filter(|spec| spec.name().is_some());
        let specs: Vec<_> = names.cloned().collect();
        Self {
            search: match specs.is_empty() {
                true => Vec::new(),
                false => search_domains(netns),
            },
            specs,
            first,
        }
    }

    /// Whether there are any.
    pub fn are_any(&self) -> bool {
        !self.specs.is_empty()
    }

    /// The same for the observer, which calls what they stand for by a name of the scenario's.
    pub fn called(&self, name: &str) -> Vec<Called> {
        let called = |spec: &EndpointSpec| Called {
            name: name.to_owned(),
            spec: spec.clone(),
            search: self.search.clone(),
        };
        self.specs.iter().map(called).collect()
    }

    /// Adds what DNS answers say to what is known; tells whether that was news. An address that
    /// a name had stays: connections to it live on.
    pub fn learn(&self, messages: &[Vec<u8>], known: &mut Vec<Endpoint>) -> bool {
        let before = known.len();
        let most = self.first + MOST;
        for told in messages.iter().filter_map(|message| dns::told(message)) {
            let meant = |spec: &&EndpointSpec| spec.is_called(&told.name, &self.search);
            for spec in self.specs.iter().filter(meant) {
                for endpoint in spec.resolved(&told.addresses) {
                    if known.contains(&endpoint) {
                        continue;
                    }
                    if known.len() >= most {
                        log::warn!("\"{}\" is now {endpoint} as well: too many", told.name);
                        continue;
                    }
                    log::info!("\"{}\" is now {endpoint} as well", told.name);
                    known.push(endpoint);
                }
            }
        }
        known.len() > before
    }
}

/// The domains of the namespace's resolv.conf, in lower case; `ip netns` keeps one for each that
/// it names.
fn search_domains(netns: &Netns) -> Vec<String> {
    let own = match &netns.name {
        NetnsRef::Name(name) => Some(PathBuf::from(format!("/etc/netns/{name}/resolv.conf"))),
        _ => None,
    };
    let text = own.and_then(|path| std::fs::read_to_string(path).ok());
    let text = text.or_else(|| std::fs::read_to_string("/etc/resolv.conf").ok());
    domains(&text.unwrap_or_default())
}

fn domains(resolv_conf: &str) -> Vec<String> {
    // The last one counts, as resolv.conf(5) has it.
    let line = resolv_conf.lines().rev().find_map(|line| {
        let (key, rest) = line.split_once(char::is_whitespace)?;
        matches!(key, "search" | "domain").then_some(rest)
    });
    let words = line.unwrap_or_default().split_whitespace();
    words
        .map(|domain| domain.trim_matches('.').to_ascii_lowercase())
        .filter(|domain| !domain.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_search_list_counts() {
        let text =
            "nameserver 10.0.0.2\ndomain old\nsearch Shop.svc.Local. svc.local\n# search x\n";
        assert_eq!(domains(text), ["shop.svc.local", "svc.local"]);
        assert!(domains("nameserver 10.0.0.2\n").is_empty());
    }

    #[test]
    fn what_a_name_comes_to_mean_is_added_once() {
        let names = Names {
            specs: vec!["payments:80".parse().unwrap()],
            search: vec!["shop".to_owned()],
            first: 0,
        };
        let answer = b"\x12\x34\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00\
            \x08payments\x04shop\x00\x00\x01\x00\x01\
            \xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\x0a\x00\x00\x09";
        let mut known = Vec::new();
        let messages = [answer.to_vec(), b"noise".to_vec()];
        assert!(names.learn(&messages, &mut known));
        assert_eq!(known.len(), 1);
        assert_eq!(known[0].to_string(), "10.0.0.9:80");
        assert!(!names.learn(&messages, &mut known));
    }
}
