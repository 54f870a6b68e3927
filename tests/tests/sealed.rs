//! Calls under TLS: those of the application, and none of the handshake's.

use anyhow::{Result, ensure};
use nix::sys::signal::Signal;
use tests::{
    Probe,
    sealed::{Backwards, Talker},
    turn::Turn,
};

/// How many connections, one after the other.
const CONNECTIONS: usize = 3;
/// How many lines are said on each.
const LINES: usize = 6;

#[test]
#[ignore = "needs root"]
fn what_is_said_under_tls_counts_and_its_handshake_does_not() -> Result<()> {
    let _turn = Turn::together()?;
    for version in ["-tls1_2", "-tls1_3"] {
        let server = Backwards::new()?;
        let to = server.address;
        let mut probe = Probe::start(&format!("observe -v -o json --to {to}"))?;
        probe.wait_for("observing")?;
        for connection in 0..CONNECTIONS {
            let mut talker = Talker::new(to, version)?;
            for line in 0..LINES {
                // Of many lengths, none of them that of a record of the handshake.
                talker.say(&"ab".repeat(100 + connection * 50 + line * 7))?;
            }
            talker.leave()?;
        }
        let observed = probe.end(Signal::SIGINT)?.json()?;
        // Each talker is a process of its own.
        let all = observed["dependencies"].as_array().into_iter().flatten();
        let seen: Vec<_> = all.filter(|it| it["remote"] == to.to_string()).collect();
        ensure!(seen.len() == CONNECTIONS, "{version}: {observed:#}");
        for it in seen {
            println!("{version}: {it}");
            ensure!(
                it["protocol"] == "tls" && it["calls"] == LINES && it["ok"] == LINES,
                "{version}: {it:#}"
            );
            ensure!(
                it["abandoned"] == 0 && it["in_flight"] == 0,
                "{version}: {it:#}"
            );
        }
    }
    Ok(())
}
