//! Connections that fail at once, and connections beyond a limit: with which error, whose, and
//! how many, exactly.

use std::{
    net::{IpAddr, SocketAddr},
    process::Command,
};

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;
use tests::{
    Call, Ended, Family, Pair, Probe, Puppet,
    puppet::server,
    snapshot::{Snapshot, Traces, end_leaving_nothing},
    turn::Turn,
};

const ERRORS: [(&str, i32); 5] = [
    ("ECONNREFUSED", libc::ECONNREFUSED),
    ("ETIMEDOUT", libc::ETIMEDOUT),
    ("EHOSTUNREACH", libc::EHOSTUNREACH),
    ("ENETUNREACH", libc::ENETUNREACH),
    ("EADDRNOTAVAIL", libc::EADDRNOTAVAIL),
];
const REFUSED: Call = Call::Failed(libc::ECONNREFUSED);

fn puppet(pair: &Pair) -> Result<Puppet> {
    let command = Command::new(env!("CARGO_BIN_EXE_puppet"));
    Puppet::start(command, &pair.near, None)
}

fn inject(pair: &Pair, fault: &str) -> Result<Probe> {
    Probe::inject(&format!("{fault} --netns {} --for 5m", pair.near.name))
}

/// The same address, for a socket of IPv6.
fn mapped(to: SocketAddr) -> SocketAddr {
    match to.ip() {
        IpAddr::V4(v4) => SocketAddr::new(v4.to_ipv6_mapped().into(), to.port()),
        IpAddr::V6(_) => to,
    }
}

fn counts(ended: &Ended, expected: [(&str, u64); 3]) -> Result<()> {
    for (name, expected) in expected {
        let counted = ended.counter(name)?;
        ensure!(
            counted == expected,
            "{name} is {counted}, not {expected}: {ended:?}"
        );
    }
    Ok(())
}

#[test]
#[ignore = "needs root"]
fn connect_fails_with_the_error_asked_for() -> Result<()> {
    let _turn = Turn::together()?;
    let pair = Pair::new()?;
    let before = Snapshot::of(&pair.near)?;
    for family in Family::BOTH {
        let (to, spared) = (server::far(&pair, family)?, server::far(&pair, family)?);
        let mut puppet = puppet(&pair)?;
        let there_before = puppet.tcp(to)?.made()?;
        for (name, number) in ERRORS {
            let probe = inject(&pair, &format!("refuse --errno {name} --to {to}"))?;
            for call in [puppet.tcp(to)?, puppet.udp(to)?, puppet.tcp(mapped(to))?] {
                ensure!(call == Call::Failed(number), "{name}: {call:?}");
            }
            puppet.tcp(spared)?.made()?;
            ensure!(
                puppet.is_answered(there_before)?,
                "what was there before was hit"
            );
            counts(
                &end_leaving_nothing(probe)?,
                [("seen", 3), ("refused", 3), ("passed", 0)],
            )?;
            puppet.tcp(to)?.made()?;
        }
        let probe = inject(&pair, &format!("refuse --proto tcp --to {to}"))?;
        ensure!(puppet.tcp(to)? == REFUSED, "refused is the default");
        puppet.udp(to)?.made()?;
        counts(
            &end_leaving_nothing(probe)?,
            [("seen", 1), ("refused", 1), ("passed", 0)],
        )?;
    }
    before.wait_for_return(&pair.near)
}

#[test]
#[ignore = "needs root"]
fn only_the_chosen_process_is_refused() -> Result<()> {
    let _turn = Turn::together()?;
    let pair = Pair::new()?;
    let to = server::far(&pair, Family::V4)?;
    let (mut chosen, mut other) = (puppet(&pair)?, puppet(&pair)?);
    // Another namespace with the same addresses.
    let elsewhere = Pair::new()?;
    let there = elsewhere
        .far
        .within(|| Ok(server::start(to)?))
        .context("the same server elsewhere")?;
    let mut stranger = Puppet::start(
        Command::new(env!("CARGO_BIN_EXE_puppet")),
        &elsewhere.near,
        None,
    )?;
    for aim in [format!("--process {}", chosen.pid()), String::new()] {
        let probe = inject(&pair, &format!("refuse --to {to} {aim}"))?;
        ensure!(chosen.tcp(to)? == REFUSED, "the chosen was let through");
        let call = other.tcp(to)?;
        ensure!((call == REFUSED) == aim.is_empty(), "{aim:?}: {call:?}");
        stranger.tcp(there)?.made()?;
        let refused = if aim.is_empty() { 2 } else { 1 };
        counts(
            &end_leaving_nothing(probe)?,
            [("seen", refused), ("refused", refused), ("passed", 0)],
        )?;
    }
    Ok(())
}

#[test]
#[ignore = "needs root"]
fn some_connections_are_refused_and_all_are_accounted_for() -> Result<()> {
    let _turn = Turn::together()?;
    let pair = Pair::new()?;
    let to = server::far(&pair, Family::V4)?;
    let mut puppet = puppet(&pair)?;
    let probe = inject(&pair, &format!("refuse --to {to} --max-packets 2"))?;
    let calls = (0..5).map(|_| puppet.tcp(to)).collect::<Result<Vec<_>>>()?;
    ensure!(calls[..2] == [REFUSED; 2], "{calls:?}");
    ensure!(!calls[2..].contains(&REFUSED), "{calls:?}");
    counts(
        &end_leaving_nothing(probe)?,
        [("seen", 5), ("refused", 2), ("passed", 3)],
    )?;
    let mut runs = Vec::new();
    for _ in 0..2 {
        let fault = format!("refuse --to {to} --percent-of-flows 50% --seed 7");
        let probe = inject(&pair, &fault)?;
        let calls = (0..64)
            .map(|_| puppet.tcp(to))
            .collect::<Result<Vec<_>>>()?;
        let refused: Vec<bool> = calls.iter().map(|call| *call == REFUSED).collect();
        let count = refused.iter().filter(|it| **it).count() as u64;
        let fair = tests::binomial::interval_999(64, 0.5);
        ensure!(fair.contains(&count), "{count} of 64: {fair:?} are fair");
        counts(
            &end_leaving_nothing(probe)?,
            [("seen", 64), ("refused", count), ("passed", 64 - count)],
        )?;
        runs.push(refused);
    }
    ensure!(runs[0] == runs[1], "the same seed decided otherwise");
    Ok(())
}

#[test]
#[ignore = "needs root"]
fn so_many_connections_are_open_and_no_more() -> Result<()> {
    let _turn = Turn::together()?;
    let pair = Pair::new()?;
    for family in Family::BOTH {
        let to = server::far(&pair, family)?;
        let (mut puppet, mut other) = (puppet(&pair)?, puppet(&pair)?);
        // Three of another's count as little as what goes elsewhere.
        for _ in 0..3 {
            other.tcp(to)?.made()?;
        }
        let near = puppet.pid();
        let probe = inject(
            &pair,
            &format!("limit-connections 3 --to {to} --process {near}"),
        )?;
        let calls = (0..5).map(|_| puppet.tcp(to)).collect::<Result<Vec<_>>>()?;
        ensure!(calls[3..] == [REFUSED; 2], "{calls:?}");
        let made = calls[..3].iter().map(|it| it.made());
        let made = made.collect::<Result<Vec<_>>>()?;
        for connection in &made {
            ensure!(puppet.is_answered(*connection)?, "one that was made is hit");
        }
        other.tcp(to)?.made()?;
        puppet.udp(to)?.made()?;
        puppet.close(made[1])?;
        puppet.tcp(mapped(to))?.made()?;
        ensure!(puppet.tcp(to)? == REFUSED, "one too many");
        counts(
            &end_leaving_nothing(probe)?,
            [("seen", 7), ("refused", 3), ("passed", 4)],
        )?;
        puppet.tcp(to)?.made()?;
    }
    Ok(())
}

#[test]
#[ignore = "needs root"]
fn connections_that_were_open_before_count() -> Result<()> {
    let _turn = Turn::together()?;
    let pair = Pair::new()?;
    for near in [false, true] {
        let to = server::far(&pair, Family::V4)?;
        let mut puppet = puppet(&pair)?;
        let first = puppet.tcp(to)?.made()?;
        puppet.tcp(to)?.made()?;
        let closed = puppet.tcp(to)?.made()?;
        puppet.close(closed)?;
        let aim = match near {
            true => format!("--process {}", puppet.pid()),
            false => String::new(),
        };
        let fault = format!("limit-connections 3 --errno EADDRNOTAVAIL --to {to} {aim}");
        let probe = inject(&pair, &fault)?;
        puppet.tcp(to)?.made()?;
        let call = puppet.tcp(to)?;
        ensure!(call == Call::Failed(libc::EADDRNOTAVAIL), "{call:?}");
        puppet.close(first)?;
        puppet.tcp(to)?.made()?;
        counts(
            &end_leaving_nothing(probe)?,
            [("seen", 3), ("refused", 1), ("passed", 2)],
        )?;
    }
    Ok(())
}

/// A thousand connections that nobody accepts, one after the other, leave room for as many as
/// before.
#[test]
#[ignore = "needs root"]
fn connections_that_come_to_nothing_do_not_count_for_good() -> Result<()> {
    let _turn = Turn::together()?;
    let pair = Pair::new()?;
    let to = server::far(&pair, Family::V4)?;
    let nobody = SocketAddr::new(to.ip(), 9);
    let mut puppet = puppet(&pair)?;
    let probe = inject(
        &pair,
        &format!("limit-connections 2 --to {} --errno ETIMEDOUT", to.ip()),
    )?;
    for _ in 0..1_000 {
        let call = puppet.tcp(nobody)?;
        ensure!(call == REFUSED, "{call:?}");
    }
    puppet.tcp(to)?.made()?;
    puppet.tcp(to)?.made()?;
    ensure!(
        puppet.tcp(to)? == Call::Failed(libc::ETIMEDOUT),
        "one too many"
    );
    counts(
        &end_leaving_nothing(probe)?,
        [("seen", 1_003), ("refused", 1), ("passed", 1_002)],
    )
}

#[test]
#[ignore = "needs root"]
fn refusals_end_with_their_probe_and_by_the_kill_switch() -> Result<()> {
    let _turn = Turn::alone()?;
    let pair = Pair::new()?;
    let before = Snapshot::of(&pair.near)?;
    let to = server::far(&pair, Family::V4)?;
    let mut puppet = puppet(&pair)?;
    let fault = format!("refuse --to {to}");
    let probe = inject(&pair, &fault)?;
    let traces = Traces::of(&probe)?;
    ensure!(puppet.tcp(to)? == REFUSED, "no fault");
    probe.signal(Signal::SIGKILL)?;
    ensure!(probe.finish()?.code() == -9, "not killed");
    puppet.tcp(to)?.made()?;
    traces.wait_until_gone()?;

    let probe = inject(&pair, &fault)?;
    ensure!(puppet.tcp(to)? == REFUSED, "no fault");
    let told = Probe::start("status -o json")?.finish()?;
    ensure!(told.stdout.contains("refuse with ECONNREFUSED"), "{told:?}");
    probe.signal(Signal::SIGSTOP)?;
    let stopped = Probe::start("stop -o json")?.finish()?;
    puppet.tcp(to)?.made()?;
    ensure!(
        stopped.json()?["stopped"].as_u64() >= Some(1),
        "{stopped:?}"
    );
    probe.signal(Signal::SIGCONT)?;
    let ended = probe.finish()?;
    ensure!(ended.code() == 3, "{ended:?}");
    before.wait_for_return(&pair.near)
}

#[test]
#[ignore = "needs root"]
fn what_connect_cannot_be_told_is_refused_in_words() -> Result<()> {
    let pair = Pair::new()?;
    let there = format!("--to 10.88.0.2 --netns {}", pair.near.name);
    for (fault, told) in [
        ("refuse --only new", "every connection is new"),
        ("refuse --ramp 5s", "no less and more"),
        ("refuse --direction ingress", "its direction is egress"),
        ("refuse --interface wire", "on no interface"),
        ("refuse --errno EPERM", "unknown \"EPERM\""),
        ("limit-connections 3 --proto udp", "counts TCP connections"),
        ("limit-connections 0", "would refuse every connection"),
        ("limit-connections", "N is missing"),
    ] {
        let ended = Probe::start(&format!("inject {fault} {there}"))?.finish()?;
        ensure!(ended.code() == 2, "{fault}: {ended:?}");
        ensure!(ended.stderr.contains(told), "{fault}: {ended:?}");
        ensure!(ended.stderr.contains("hint:"), "{fault}: {ended:?}");
    }
    Ok(())
}
