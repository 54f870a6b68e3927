//! Faults that are aimed by the near side hit the chosen process, or cgroup, and nobody else:
//! whether its connections were there before or not, whoever made them, in both directions.

use std::{
    net::{SocketAddr, UdpSocket},
    process::Command,
    thread,
    time::Duration,
};

use anyhow::{Context, Result, anyhow, ensure};
use tests::{
    Call, Cgroup, Family, Pair, Probe, Puppet,
    patience::{LONG, wait_for},
    puppet::server,
    snapshot::{Snapshot, end_leaving_nothing},
    turn::Turn,
};

/// How the near side is named.
#[derive(Clone, Copy, Debug)]
enum By {
    Id,
    Name,
    Cgroup,
    Container,
}

/// A command name that no other process has.
fn name() -> String {
    format!("pt{}", std::process::id())
}

fn puppet(pair: &Pair, cgroup: Option<&Cgroup>) -> Result<Puppet> {
    let command = Command::new(env!("CARGO_BIN_EXE_puppet"));
    Puppet::start(command, &pair.near, cgroup)
}

/// Two processes of one program.
struct Two {
    chosen: Puppet,
    other: Puppet,
    aim: String,
    // After the processes that are in it.
    _cgroup: Option<Cgroup>,
}

impl Two {
    fn new(pair: &Pair, by: By) -> Result<Self> {
        let cgroup = match by {
            By::Id | By::Name => None,
            By::Cgroup => Some(Cgroup::new()?),
            By::Container => Some(Cgroup::named(&format!(
                "docker-{:064x}.scope",
                u64::from(std::process::id()) << 32 | 0xfeed
            ))?),
        };
        let mut chosen = puppet(pair, cgroup.as_ref())?;
        let path = cgroup.as_ref().map(|it| it.path.clone());
        let path = path.unwrap_or_default();
        let aim = match by {
            By::Id => format!("--process {}", chosen.pid()),
            By::Name => {
                chosen.take_name(&name())?;
                format!("--process {}", name())
            }
            By::Cgroup => format!("--cgroup {path}"),
            By::Container => {
                let id = path.trim_start_matches("/docker-");
                format!("--cgroup {}", &id[..60])
            }
        };
        Ok(Self {
            chosen,
            other: puppet(pair, None)?,
            aim,
            _cgroup: cgroup,
        })
    }
}

fn inject(pair: &Pair, fault: &str) -> Result<Probe> {
    Probe::inject(&format!("{fault} --netns {} --for 5m", pair.near.name))
}

#[test]
#[ignore = "needs root"]
fn only_the_chosen_process_is_hit_in_either_direction() -> Result<()> {
    let _turn = Turn::together()?;
    at_once(
        &[By::Id, By::Name, By::Cgroup, By::Container],
        hits_the_chosen_alone,
    )
}

/// Each way to name somebody on ground of its own, and two of them at once: most of it is waiting
/// for what doesn't come.
fn at_once(all: &[By], hits: fn(&Pair, By, Family, way: &str) -> Result<()>) -> Result<()> {
    let one = |by: By| -> Result<()> {
        let pair = Pair::new()?;
        pair.know_each_other()?;
        let before = Snapshot::of(&pair.near)?;
        for family in Family::BOTH {
            for way in ["egress", "ingress"] {
                hits(&pair, by, family, way)
                    .with_context(|| format!("{by:?}, {family:?}, {way}"))?;
            }
        }
        before.wait_for_return(&pair.near)
    };
    all.chunks(2).try_for_each(|two| {
        thread::scope(|scope| {
            let started = two.iter().map(|&by| scope.spawn(move || one(by)));
            let started: Vec<_> = started.collect();
            let mut joined = started.into_iter().map(|it| it.join());
            joined.try_for_each(|it| it.map_err(|_| anyhow!("it panicked"))?)
        })
    })
}

fn hits_the_chosen_alone(pair: &Pair, by: By, family: Family, way: &str) -> Result<()> {
    let to = server::far(pair, family)?;
    let mut two = Two::new(pair, by)?;
    let there_before = [
        (two.chosen.tcp(to)?.made()?, two.other.tcp(to)?.made()?),
        (two.chosen.udp(to)?.made()?, two.other.udp(to)?.made()?),
    ];
    let probe = inject(
        pair,
        &format!("blackhole --to {to} {} --direction {way}", two.aim),
    )?;
    for (chosen, other) in there_before {
        ensure!(!two.chosen.is_answered(chosen)?, "the chosen was spared");
        ensure!(two.other.is_answered(other)?, "the other was hit");
    }
    ensure!(two.chosen.tcp(to)? == Call::Lost, "a new one was spared");
    let new = two.other.tcp(to)?.made()?;
    ensure!(
        two.other.is_answered(new)?,
        "a new one of the other was hit"
    );
    let new = (two.chosen.udp(to)?.made()?, two.other.udp(to)?.made()?);
    ensure!(!two.chosen.is_answered(new.0)?, "a new one was spared");
    ensure!(
        two.other.is_answered(new.1)?,
        "a new one of the other was hit"
    );
    let ended = end_leaving_nothing(probe)?;
    ensure!(ended.counter("dropped")? == ended.counter("seen")?);
    ensure!(ended.counter("dropped")? >= 4, "{ended:?}");
    for (chosen, other) in there_before {
        wait_for("the chosen to be answered again", LONG, || {
            Ok(two.chosen.is_answered(chosen)?.then_some(()))
        })?;
        ensure!(two.other.is_answered(other)?, "the other was hit");
    }
    Ok(())
}

#[test]
#[ignore = "needs root"]
fn a_bystanders_packets_are_not_even_seen() -> Result<()> {
    const PACKETS: u64 = 200;
    let _turn = Turn::together()?;
    let pair = Pair::new()?;
    for by in [By::Id, By::Name, By::Cgroup] {
        for family in Family::BOTH {
            let to = server::far(&pair, family)?;
            let mut two = Two::new(&pair, by)?;
            let (chosen, other) = (two.chosen.udp(to)?.made()?, two.other.udp(to)?.made()?);
            let fault = format!(
                "blackhole --to {to} --proto udp {} --direction both",
                two.aim
            );
            let probe = inject(&pair, &fault)?;
            for _ in 0..PACKETS {
                ensure!(two.other.is_answered(other)?, "the other was hit");
            }
            two.chosen.send(chosen, PACKETS)?;
            let ended = end_leaving_nothing(probe)?;
            ensure!(ended.counter("seen")? == PACKETS, "{by:?}: {ended:?}");
            ensure!(ended.counter("dropped")? == PACKETS, "{by:?}: {ended:?}");
        }
    }
    Ok(())
}

/// Who takes a port that was the chosen's is not taken for it.
#[test]
#[ignore = "needs root"]
fn a_port_that_changes_hands_is_the_new_ones() -> Result<()> {
    const PORT: u16 = 20_123;
    let _turn = Turn::together()?;
    let pair = Pair::new()?;
    for by in [By::Id, By::Cgroup] {
        for family in Family::BOTH {
            let to = server::far(&pair, family)?;
            let mut two = Two::new(&pair, by)?;
            let fault = format!("blackhole --to {to} {} --direction ingress", two.aim);
            let probe = inject(&pair, &fault)?;
            let connection = two.chosen.udp_from(PORT, to)?.made()?;
            ensure!(!two.chosen.is_answered(connection)?, "it was spared");
            two.chosen.close(connection)?;
            let connection = two.other.udp_from(PORT, to)?.made()?;
            ensure!(
                two.other.is_answered(connection)?,
                "{by:?}: the other was hit"
            );
            let ended = end_leaving_nothing(probe)?;
            ensure!(ended.counter("seen")? == 1, "{by:?}: {ended:?}");
        }
    }
    Ok(())
}

#[test]
#[ignore = "needs root"]
fn a_server_is_hit_with_those_who_called_it_before_and_who_call_it_now() -> Result<()> {
    let _turn = Turn::together()?;
    at_once(
        &[By::Id, By::Name, By::Cgroup],
        hits_the_chosen_server_alone,
    )
}

fn hits_the_chosen_server_alone(pair: &Pair, by: By, family: Family, way: &str) -> Result<()> {
    let mut two = Two::new(pair, by)?;
    let at = SocketAddr::new(pair.near_address(family), 0);
    let (chosen, other) = (two.chosen.serve(at)?, two.other.serve(at)?);
    let mut caller = Puppet::start(Command::new(env!("CARGO_BIN_EXE_puppet")), &pair.far, None)?;
    let before = (caller.tcp(chosen)?.made()?, caller.tcp(other)?.made()?);
    for connection in [before.0, before.1] {
        ensure!(caller.is_answered(connection)?, "no answer before");
    }
    let from = match pair.far_address(family) {
        std::net::IpAddr::V6(v6) => format!("[{v6}]"),
        v4 => v4.to_string(),
    };
    let probe = inject(
        pair,
        &format!("blackhole --to {from} {} --direction {way}", two.aim),
    )?;
    ensure!(!caller.is_answered(before.0)?, "the chosen was spared");
    ensure!(caller.is_answered(before.1)?, "the other was hit");
    ensure!(caller.tcp(chosen)? == Call::Lost, "a new call was spared");
    let (asked, new) = (caller.udp(chosen)?.made()?, caller.tcp(other)?.made()?);
    ensure!(!caller.is_answered(asked)?, "a new UDP call was spared");
    ensure!(caller.is_answered(new)?, "a new call of the other was hit");
    let ended = end_leaving_nothing(probe)?;
    ensure!(ended.counter("dropped")? == ended.counter("seen")?);
    Ok(())
}

#[test]
#[ignore = "needs root"]
fn a_process_of_the_name_that_starts_later_is_hit_too() -> Result<()> {
    let _turn = Turn::together()?;
    let pair = Pair::new()?;
    let to = server::far(&pair, Family::V4)?;
    let mut two = Two::new(&pair, By::Name)?;
    let probe = inject(&pair, &format!("blackhole --to {to} {}", two.aim))?;
    let first = two.chosen.udp(to)?.made()?;
    ensure!(!two.chosen.is_answered(first)?, "the first was spared");
    // Named before it makes a socket: it is known at once.
    let mut second = puppet(&pair, None)?;
    second.take_name(&name())?;
    drop(std::mem::replace(&mut two.chosen, second));
    let connection = two.chosen.udp(to)?.made()?;
    ensure!(
        !two.chosen.is_answered(connection)?,
        "the second was spared"
    );
    // Named after it made one: it is known within a quarter of a second.
    let mut third = puppet(&pair, None)?;
    let connection = third.udp(to)?.made()?;
    ensure!(third.is_answered(connection)?, "it hasn't the name yet");
    third.take_name(&name())?;
    wait_for("it to be noticed", Duration::from_secs(3), || {
        Ok((!third.is_answered(connection)?).then_some(()))
    })?;
    let ended = end_leaving_nothing(probe)?;
    ensure!(ended.counter("dropped")? >= 3, "{ended:?}");
    Ok(())
}

#[test]
#[ignore = "needs root"]
fn connections_are_told_by_when_they_began() -> Result<()> {
    let _turn = Turn::together()?;
    let pair = Pair::new()?;
    for family in Family::BOTH {
        for way in ["egress", "ingress"] {
            for only in ["new", "established"] {
                let to = server::far(&pair, family)?;
                let mut puppet = puppet(&pair, None)?;
                let before = [puppet.tcp(to)?.made()?, puppet.udp(to)?.made()?];
                let probe = inject(
                    &pair,
                    &format!("blackhole --to {to} --only {only} --direction {way}"),
                )?;
                let spares_new = only == "established";
                let words = || format!("{family:?}, {way}, only {only}");
                for connection in before {
                    let is_answered = puppet.is_answered(connection)?;
                    ensure!(is_answered != spares_new, "{}: before", words());
                }
                let call = puppet.tcp(to)?;
                ensure!((call != Call::Lost) == spares_new, "{}: {call:?}", words());
                if let Call::Made(new) = call {
                    ensure!(puppet.is_answered(new)?, "{}: TCP, after", words());
                }
                let new = puppet.udp(to)?.made()?;
                let is_answered = puppet.is_answered(new)?;
                ensure!(is_answered == spares_new, "{}: UDP, after", words());
                let ended = end_leaving_nothing(probe)?;
                ensure!(ended.counter("dropped")? > 0, "{}: {ended:?}", words());
            }
        }
    }
    Ok(())
}

#[test]
#[ignore = "needs root"]
fn nobody_of_that_name_is_said_in_words() -> Result<()> {
    let pair = Pair::new()?;
    let netns = &pair.near.name;
    let elsewhere = std::process::id();
    for (aim, told) in [
        (
            "--process no-such-name".into(),
            "process \"no-such-name\": there is none",
        ),
        ("--process 4194305".into(), "there is none"),
        (
            format!("--process {elsewhere}"),
            "another network namespace",
        ),
        (
            "--cgroup /no/such".into(),
            "cgroup \"/no/such\": there is none",
        ),
        ("--cgroup feedfacefeed".into(), "no container of that id"),
        ("--cgroup / --process 1".into(), "cannot be used with"),
    ] {
        let ended = Probe::start(&format!("inject blackhole {aim} --netns {netns}"))?.finish()?;
        ensure!(ended.code() == 2, "{ended:?}");
        ensure!(ended.stderr.contains(told), "{ended:?}");
    }
    Ok(())
}

/// What passes through has no socket here: its age is told by its packets.
#[test]
#[ignore = "needs root"]
fn connections_that_pass_through_are_told_by_when_they_began() -> Result<()> {
    let _turn = Turn::together()?;
    let pair = Pair::new()?;
    let third = tests::Netns::new("third")?;
    pair.far.ip(&format!(
        "link add on type veth peer name on netns {}",
        third.name
    ))?;
    for (end, host) in [(&pair.far, 1), (&third, 2)] {
        end.ip(&format!("address add 10.89.0.{host}/24 dev on"))?;
        end.ip("link set on up")?;
    }
    pair.near.ip("route add 10.89.0.0/24 via 10.88.0.2")?;
    third.ip("route add 10.88.0.0/24 via 10.89.0.1")?;
    pair.far
        .within(|| Ok(std::fs::write("/proc/sys/net/ipv4/ip_forward", "1")?))?;
    let to = third.within(|| Ok(server::start(([10, 89, 0, 2], 0).into())?))?;
    let mut puppet = puppet(&pair, None)?;
    for only in ["new", "established"] {
        let before = puppet.tcp(to)?.made()?;
        ensure!(puppet.is_answered(before)?, "no way through");
        let probe = Probe::inject(&format!(
            "blackhole --to {to} --only {only} --netns {} --for 5m",
            pair.far.name
        ))?;
        let spares_new = only == "established";
        ensure!(puppet.is_answered(before)? != spares_new, "{only}: before");
        let call = puppet.tcp(to)?;
        ensure!((call != Call::Lost) == spares_new, "{only}: {call:?}");
        end_leaving_nothing(probe)?;
    }
    Ok(())
}

/// Whether the calling thread, moved there, is answered.
fn ask_from(pair: &Pair, to: SocketAddr) -> Result<bool> {
    pair.near.enter()?;
    let socket = UdpSocket::bind("0.0.0.0:0")?;
    socket.set_read_timeout(Some(Duration::from_secs(1)))?;
    socket.connect(to)?;
    socket.send(b"anybody?")?;
    Ok(socket.recv(&mut [0; 8]).is_ok())
}

/// Threads of a process have names of their own; the process is hit all the same.
#[test]
#[ignore = "needs root"]
fn a_thread_of_that_name_is_not_a_process_of_that_name() -> Result<()> {
    let _turn = Turn::together()?;
    let pair = Pair::new()?;
    let to = server::far(&pair, Family::V4)?;
    let mut two = Two::new(&pair, By::Name)?;
    let probe = inject(
        &pair,
        &format!("blackhole --to {to} --proto udp {}", two.aim),
    )?;
    let asked = thread::scope(|scope| {
        let named = thread::Builder::new().name(name());
        let thread = named.spawn_scoped(scope, || ask_from(&pair, to))?;
        thread.join().expect("a thread that doesn't panic")
    })?;
    ensure!(asked, "a thread of another process was hit");
    let connection = two.chosen.udp(to)?.made()?;
    ensure!(
        !two.chosen.is_answered(connection)?,
        "the chosen was spared"
    );
    end_leaving_nothing(probe)?;
    Ok(())
}
