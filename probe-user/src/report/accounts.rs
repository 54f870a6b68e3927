//! What an observation can be held to, as fields of `probe.observe/1` and in words.

use serde_json::{Value, json};

use crate::model::Accounts;

/// Events: `produced = delivered + lost`.
pub fn events(accounts: &Accounts) -> Value {
    let events = &accounts.events;
    json!({
        "produced": events.produced,
        "delivered": events.delivered,
        "lost": events.lost,
    })
}

/// Connections: `created = closed + evicted + present`.
pub fn flows(accounts: &Accounts) -> Value {
    let flows = &accounts.flows;
    json!({
        "created": flows.created,
        "closed": flows.closed,
        "evicted": flows.evicted(),
        "present": flows.present,
    })
}

/// What had to make room.
pub fn forgotten(accounts: &Accounts) -> Value {
    let forgotten = &accounts.forgotten;
    json!({
        "parties": forgotten.parties,
        "party_calls": forgotten.party_calls,
        "calls": forgotten.calls,
        "unplaced": accounts.unplaced,
        "slots_returned": accounts.slots_returned,
    })
}

/// A line for each thing that weakens what was told; nothing where nothing does.
pub fn text(accounts: &Accounts) -> String {
    let events = &accounts.events;
    let forgotten = &accounts.forgotten;
    let lines = [
        (
            events.lost,
            format!(
                "{} of {} events were lost: calls, latencies and who gave up are the kernel's own \
                 count, which is complete; ok and errors are only those that were told",
                events.lost, events.produced
            ),
        ),
        (
            accounts.flows.evicted(),
            format!(
                "{} of {} connections had to make room for others, those idle longest first",
                accounts.flows.evicted(),
                accounts.flows.created
            ),
        ),
        (
            accounts.unplaced,
            format!(
                "{} times there was no room for another caller: its calls aren't told",
                accounts.unplaced
            ),
        ),
        (
            forgotten.parties,
            format!(
                "{} services and dependencies with {} calls had to make room for others, those \
                 idle longest first",
                forgotten.parties, forgotten.party_calls
            ),
        ),
    ];
    let lines = lines.iter().filter(|(count, _)| *count > 0);
    lines.map(|(_, line)| format!("\n{line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_weakens_nothing_isnt_told() {
        let mut accounts = Accounts::default();
        accounts.events.produced = 7;
        accounts.events.delivered = 7;
        accounts.flows.created = 5;
        accounts.flows.closed = 2;
        accounts.flows.present = 3;
        assert_eq!(text(&accounts), "");
        accounts.flows.present = 1;
        assert!(text(&accounts).contains("2 of 5 connections"));
        assert_eq!(flows(&accounts)["evicted"], 2);
    }
}
