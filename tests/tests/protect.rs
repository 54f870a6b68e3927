//! What no fault touches: sessions over SSH, the one that started probe, and what the user put on
//! the list. Everything else is dead meanwhile, and every packet is accounted for.

use std::{fs, net::SocketAddr, process::Command, time::Duration};

use anyhow::{Result, ensure};
use nix::sys::signal::Signal;
use tests::{
    Ended, Family, Netns, Pair, Probe,
    conversation::{Parrot, Talker},
    echo::Echo,
    programs,
    turn::Turn,
    udp::{Receiver, Sender},
};

/// Longer than an answer takes that nothing holds up.
const PATIENCE: Duration = Duration::from_secs(2);
/// Shorter than the fault, longer than an answer takes.
const IMPATIENCE: Duration = Duration::from_millis(300);
/// What is said over a session.
const LINES: usize = 40;

/// Everything that can become of a packet, each once.
fn is_accounted_for(ended: &Ended) -> Result<()> {
    let mut sum = 0;
    for name in [
        "passed",
        "dropped",
        "delayed",
        "corrupted",
        "duplicated",
        "reordered",
        "reset",
        "rewritten",
        "protected",
        "errors",
    ] {
        sum += ended.counter(name)?;
    }
    ensure!(ended.counter("seen")? == sum, "{sum} in all: {ended:?}");
    Ok(())
}

/// Talks over a connection, which must live, and over another, which must not.
fn lives_and_dies(live: &mut Talker, dead: &mut Talker) -> Result<()> {
    let said = live.talk(LINES, PATIENCE)?;
    ensure!(said == LINES, "a protected session broke at line {said}");
    let said = dead.talk(1, IMPATIENCE)?;
    ensure!(said == 0, "an unprotected connection lives");
    Ok(())
}

#[test]
#[ignore = "needs root"]
fn while_everything_vanishes_protected_sessions_live() -> Result<()> {
    let _turn = Turn::together()?;
    let pair = Pair::new()?;
    let netns = &pair.near.name;
    for family in Family::BOTH {
        let (near, far) = (pair.near_address(family), pair.far_address(family));
        // One that serves, one that is called, one that the user protects, and one of no account.
        let serves = Parrot::new(&pair.near, SocketAddr::new(near, 22))?;
        let called = Parrot::new(&pair.far, SocketAddr::new(far, 22))?;
        let user = Parrot::new(&pair.far, SocketAddr::new(far, 2244))?;
        let other = Parrot::new(&pair.far, SocketAddr::new(far, 8080))?;
        for fault in ["blackhole", "loss 100%"] {
            let mut sessions = [
                Talker::new(&pair.far, serves)?,
                Talker::new(&pair.near, called)?,
                Talker::new(&pair.near, user)?,
            ];
            let mut dead = Talker::new(&pair.near, other)?;
            let mut echo = Echo::new(&pair.near, far)?;
            let protect = user.address;
            let probe = Probe::inject(&format!(
                "{fault} --everything --direction both --protect {protect} --netns {netns} --for 4s"
            ))?;
            for session in &mut sessions {
                lives_and_dies(session, &mut dead)?;
            }
            ensure!(echo.once(IMPATIENCE)?.is_none(), "an echo came back");
            let ended = probe.finish()?;
            ensure!(ended.code() == 0, "{ended:?}");
            // Each line is one packet out and one back, acknowledgements apart.
            let protected = ended.counter("protected")?;
            ensure!(protected >= 2 * 3 * LINES as u64, "{ended:?}");
            ensure!(ended.counter("dropped")? > 0, "{ended:?}");
            is_accounted_for(&ended)?;
        }
    }
    Ok(())
}

#[test]
#[ignore = "needs root"]
fn what_is_on_the_list_is_spared_and_nothing_else() -> Result<()> {
    let _turn = Turn::together()?;
    let pair = Pair::new()?;
    for (changes, to, spared) in [
        ("", "10.88.0.2:22", true),
        ("--unprotect ssh", "10.88.0.2:22", false),
        ("--unprotect session", "10.88.0.2:22", true),
        ("", "[fd88::2]:67", true),
        ("--unprotect dhcp", "[fd88::2]:67", false),
        ("--unprotect nd", "[fd88::2]:67", true),
        ("--protect 10.88.0.2:4102", "10.88.0.2:4102", true),
        ("--protect 10.88.0.2:4102", "10.88.0.2:4103", false),
        ("--protect 10.88.0.0/24:4102", "10.88.0.2:4102", true),
        ("--protect 10.88.0.2", "10.88.0.2:4102", true),
        ("--protect 10.88.0.1", "10.88.0.2:4102", true),
        ("--protect 10.88.0.3", "10.88.0.2:4102", false),
        ("--protect :4102", "[fd88::2]:4102", true),
        ("--protect [fd88::2]:4102", "[fd88::2]:4102", true),
        ("--protect fd88::/64", "[fd88::2]:4102", true),
        ("--protect [fd88::3]:4102", "[fd88::2]:4102", false),
    ] {
        let to: SocketAddr = to.parse()?;
        let receiver = Receiver::new(&pair.far, to)?;
        let mut sender = Sender::new(&pair.near, to, 0, 100)?;
        let probe = Probe::inject(&format!(
            "blackhole --to :{} {changes} --netns {} --for 1s",
            to.port(),
            pair.near.name
        ))?;
        sender.send(50, 10_000)?;
        let came = receiver.finish().count();
        let ended = probe.finish()?;
        let counted = (ended.counter("protected")?, ended.counter("dropped")?);
        let expected = if spared { (50, 0) } else { (0, 50) };
        ensure!(
            counted == expected && came == expected.0,
            "{changes} {to}: {came} {ended:?}"
        );
        is_accounted_for(&ended)?;
    }
    Ok(())
}

#[test]
#[ignore = "needs root"]
fn the_session_that_ssh_names_lives_unless_it_is_taken_off() -> Result<()> {
    let _turn = Turn::together()?;
    let pair = Pair::new()?;
    let parrot = Parrot::new(&pair.near, "10.88.0.1:4343".parse()?)?;
    for (unprotect, lives) in [("", true), ("--unprotect session", false)] {
        let mut session = Talker::new(&pair.far, parrot)?;
        let mut other = Talker::new(&pair.far, parrot)?;
        let (client, server) = session.ends()?;
        let mut command = Command::new(programs::probe()?);
        let arguments = format!(
            "inject -o json blackhole --everything --direction both --netns {} --for 3s {unprotect}",
            pair.near.name
        );
        command.args(arguments.split_whitespace());
        // As SSH leaves it, with a port for its own that nobody else has.
        command.env(
            "SSH_CONNECTION",
            format!("{} {} {} {}", client.ip(), client.port(), server.ip(), 4344),
        );
        command.env("SSH_CLIENT", "nonsense");
        let mut probe = Probe::spawn(command)?;
        probe.wait_for("armed:")?;
        // Another server's port: the connection is not the one that SSH names.
        ensure!(
            session.talk(1, IMPATIENCE)? == 0,
            "it lives by half its name"
        );
        probe.end(Signal::SIGTERM)?;

        let mut command = Command::new(programs::probe()?);
        command.args(arguments.split_whitespace());
        let mut session = Talker::new(&pair.far, parrot)?;
        let client = session.ends()?.0;
        // The port is on the list as well; it is taken off, so that the connection stands alone.
        command.args(["--unprotect", ":4343"]);
        command.env(
            "SSH_CONNECTION",
            format!("{} {} {} {}", client.ip(), client.port(), server.ip(), 4343),
        );
        let mut probe = Probe::spawn(command)?;
        probe.wait_for("armed:")?;
        if lives {
            lives_and_dies(&mut session, &mut other)?;
        } else {
            ensure!(session.talk(1, IMPATIENCE)? == 0, "it lives");
        }
        let ended = probe.finish()?;
        is_accounted_for(&ended)?;
    }
    Ok(())
}

/// A shell under the name of sshd holds a connection and starts probe.
#[test]
#[ignore = "needs root"]
fn the_connections_of_an_sshd_that_probe_descends_from_live() -> Result<()> {
    const SCRIPT: &str = r#"
        exec 3<>/dev/tcp/10.88.0.2/4343 4<>/dev/tcp/10.88.0.2/4343
        "$PROBE_BIN" inject -o json blackhole --everything --direction both --for 4s 2> "$ERRORS" 4>&- &
        until grep -q armed: "$ERRORS"; do read -rt 0.05 <> <(:); done
        exec 5<>/dev/null
        echo hello >&3
        read -rt 2 -u 3 line && echo "session says $line" >&2
        wait
    "#;
    let _turn = Turn::together()?;
    let pair = Pair::new()?;
    let _parrot = Parrot::new(&pair.far, "10.88.0.2:4343".parse()?)?;
    let folder = tempfile::tempdir()?;
    let sshd = folder.path().join("sshd");
    fs::copy("/bin/bash", &sshd)?;
    let mut command = Command::new("nsenter");
    command
        .arg(format!("--net=/run/netns/{}", pair.near.name))
        .arg(&sshd)
        .args(["-c", SCRIPT])
        .env("PROBE_BIN", programs::probe()?)
        .env("ERRORS", folder.path().join("errors"));
    let ended = Probe::spawn(command)?.finish()?;
    ensure!(ended.stderr.contains("session says hello"), "{ended:?}");
    is_accounted_for(&ended)?;
    ensure!(ended.counter("protected")? > 0, "{ended:?}");
    Ok(())
}

#[test]
#[ignore = "needs root"]
fn every_fault_leaves_protected_packets_alone_and_accounts_for_all() -> Result<()> {
    const COUNT: u64 = 300;
    let _turn = Turn::together()?;
    let pair = Pair::new()?;
    let netns = &pair.near.name;
    for family in Family::BOTH {
        let far = pair.far_address(family);
        for fault in [
            "loss 30%",
            "delay 20ms",
            "corrupt 10% --mode payload",
            "corrupt 10% --mode wire",
            "duplicate 20%",
            "reorder 20%",
            "rate 10mbit",
            "blackhole",
        ] {
            let spared = Receiver::new(&pair.far, SocketAddr::new(far, 4102))?;
            let faulted = Receiver::new(&pair.far, SocketAddr::new(far, 4103))?;
            let mut spares = Sender::new(&pair.near, spared.address, 0, 100)?;
            let mut faults = Sender::new(&pair.near, faulted.address, 0, 100)?;
            // Two at once: what is protected from one is from the other.
            let arm = |fault: &str| {
                Probe::inject(&format!(
                    "{fault} --to {far} --proto udp --protect {} --netns {netns} --for 10m",
                    spared.address
                ))
            };
            let probes = [arm(fault)?, arm("loss 10%")?];
            for _ in 0..COUNT / 10 {
                spares.send(10, 10_000)?;
                faults.send(10, 10_000)?;
            }
            let (spared, _) = (spared.finish(), faulted.finish());
            ensure!(
                spared.numbers == (0..COUNT).collect::<Vec<_>>(),
                "{fault}: {spared:?}"
            );
            for probe in probes {
                let ended = probe.end(Signal::SIGINT)?;
                ensure!(ended.counter("protected")? == COUNT, "{fault}: {ended:?}");
                is_accounted_for(&ended)?;
            }
        }
    }
    Ok(())
}

#[test]
#[ignore = "needs root"]
fn no_more_connections_are_touched_than_may_be() -> Result<()> {
    let _turn = Turn::together()?;
    let pair = Pair::new()?;
    let receiver = Receiver::new(&pair.far, "10.88.0.2:4101".parse()?)?;
    let senders = (0..10).map(|_| Sender::new(&pair.near, receiver.address, 0, 100));
    let mut senders = senders.collect::<Result<Vec<_>>>()?;
    let probe = Probe::inject(&format!(
        "blackhole --to 10.88.0.2:4101 --max-flows 3 --netns {} --for 1s",
        pair.near.name
    ))?;
    for _ in 0..20 {
        for sender in &mut senders {
            sender.send(1, 10_000)?;
        }
    }
    let came = receiver.finish().count();
    let ended = probe.finish()?;
    ensure!(
        ended.counter("dropped")? == 60 && came == 140,
        "{came} came: {ended:?}"
    );
    is_accounted_for(&ended)
}

#[test]
#[ignore = "needs root"]
fn doctor_shows_the_list_and_a_dry_run_what_would_be_touched() -> Result<()> {
    let doctor = Probe::start("doctor -o json")?.finish()?.json()?;
    let list = doctor["never_faulted"].to_string();
    ensure!(
        list.contains("SSH port 22") && list.contains("DHCP"),
        "{list}"
    );
    let netns = Netns::new("would")?;
    let parrot = Parrot::new(&netns, "127.0.0.1:4101".parse()?)?;
    let _talkers = [Talker::new(&netns, parrot)?, Talker::new(&netns, parrot)?];
    let run = Probe::start(&format!(
        "inject blackhole --to 127.0.0.1:4101 --protect :9 --netns {} --dry-run -o json",
        netns.name
    ))?;
    let plan = run.finish()?.json()?;
    ensure!(plan["would_touch"]["connections"] == 2, "{plan}");
    ensure!(plan["never_faulted"].to_string().contains(":9"), "{plan}");
    Ok(())
}
