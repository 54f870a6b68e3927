//! Faults on processes: whom they stop and end, and that everybody goes on however probe ends.

use std::{
    fs,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tests::{
    Cgroup, Netns, Probe,
    lab::Lab,
    patience::{LONG, wait_for, wait_until},
    programs,
    snapshot::Traces,
    turn::Turn,
};

/// Within which stopped processes have to go on.
const LIMIT: Duration = Duration::from_secs(1);
/// The same, of who throws the kill switch. It is a tenth of a second that is promised, and this
/// that a busy machine may make of it.
const AT_ONCE: Duration = Duration::from_millis(300);

/// A process of a test's own. Ended when dropped.
struct Victim(Child);

impl Victim {
    fn start(netns: &Netns, program: &[&str]) -> Result<Self> {
        let child = netns.within(|| {
            let mut command = Command::new(program[0]);
            let command = command.args(&program[1..]).stdin(Stdio::null());
            command.spawn().context("starting a process")
        })?;
        Ok(Self(child))
    }

    fn sleep(netns: &Netns) -> Result<Self> {
        Self::start(netns, &["sleep", "600"])
    }

    fn pid(&self) -> u32 {
        self.0.id()
    }

    fn is_stopped(&self) -> bool {
        is_stopped(self.pid())
    }

    fn wait_until_stopped(&self) -> Result<()> {
        wait_until("a process to be stopped", LONG, || self.is_stopped())
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        Ok(kill(Pid::from_raw(self.pid() as i32), signal)?)
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn state(pid: u32) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}

fn is_stopped(pid: u32) -> bool {
    state(pid) == Some('T')
}

fn children(pid: u32) -> Vec<u32> {
    let list = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    let list = list.unwrap_or_default();
    list.split_whitespace()
        .filter_map(|pid| pid.parse().ok())
        .collect()
}

/// The guardian of a probe.
fn guardian(probe: &Probe) -> Result<u32> {
    let name = |pid: &u32| fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    let mut found = children(probe.pid())
        .into_iter()
        .filter(|pid| name(pid).trim() == "probe-guardian");
    found.next().context("probe has no guardian")
}

/// Two processes of one program, one of them in a cgroup that faults are aimed at.
struct Ground {
    netns: Netns,
    victim: Victim,
    bystander: Victim,
    // After the process that is in it.
    cgroup: Cgroup,
}

impl Ground {
    fn new() -> Result<Self> {
        let netns = Netns::new("processes")?;
        let cgroup = Cgroup::new()?;
        let victim = Victim::sleep(&netns)?;
        cgroup.take_in(victim.pid())?;
        Ok(Self {
            victim,
            bystander: Victim::sleep(&netns)?,
            cgroup,
            netns,
        })
    }

    fn inject(&self, fault: &str) -> Result<Probe> {
        let (path, netns) = (&self.cgroup.path, &self.netns.name);
        Probe::inject(&format!("{fault} --cgroup {path} --netns {netns}"))
    }

    fn pause(&self) -> Result<(Probe, Traces)> {
        let probe = self.inject("pause --for 5m")?;
        self.victim.wait_until_stopped()?;
        ensure!(!self.bystander.is_stopped(), "the bystander is stopped");
        let traces = Traces::of(&probe)?;
        ensure!(!traces.pages().is_empty(), "nothing was noted down");
        Ok((probe, traces))
    }

    /// Waits until the victim goes on, and tells how long that took.
    fn goes_on(&self, since: Instant, limit: Duration) -> Result<Duration> {
        wait_until("it to go on", LONG, || !self.victim.is_stopped())?;
        let took = since.elapsed();
        ensure!(took < limit, "it went on after {took:?}");
        ensure!(
            matches!(state(self.victim.pid()), Some('S' | 'R')),
            "it didn't live on"
        );
        Ok(took)
    }
}

/// Runs probe to its end: its code, and what it said on both.
fn probe(arguments: &str) -> Result<(i32, String)> {
    let ended = Probe::start(arguments)?.finish()?;
    Ok((ended.code(), format!("{}{}", ended.stdout, ended.stderr)))
}

#[test]
#[ignore = "needs root"]
fn paused_while_the_fault_holds_and_going_on_after() -> Result<()> {
    let _turn = Turn::together()?;
    let ground = Ground::new()?;
    let probe = ground.inject("pause --for 2s")?;
    let traces = Traces::of(&probe)?;
    ground.victim.wait_until_stopped()?;
    ensure!(!ground.bystander.is_stopped(), "the bystander is stopped");
    let late = Victim::sleep(&ground.netns)?;
    ground.cgroup.take_in(late.pid())?;
    wait_until("who came later to be stopped", LIMIT, || late.is_stopped())?;
    let ended = probe.finish()?;
    ensure!(ended.code() == 0, "{ended:?}");
    ensure!(
        !ground.victim.is_stopped() && !late.is_stopped(),
        "{ended:?}"
    );
    let json = ended.json()?;
    let counters = &json["counters"];
    ensure!(
        counters["matched"] == 2 && counters["paused"] == 2,
        "{ended:?}"
    );
    ensure!(json["verdict"] == "effective", "{ended:?}");
    traces.wait_until_gone()?;
    ensure!(traces.pages().is_empty(), "{:?}", traces.pages());
    Ok(())
}

#[test]
#[ignore = "needs root"]
fn children_are_paused_too_and_by_its_name_who_is_elsewhere_is_not() -> Result<()> {
    let _turn = Turn::together()?;
    let netns = Netns::new("near")?;
    let elsewhere = Netns::new("far")?;
    let parent = Victim::start(&netns, &["sh", "-c", "sleep 600 & sleep 601 & wait"])?;
    let children = wait_for("two children", LONG, || {
        let children = children(parent.pid());
        let are_sleeping = |pid: &u32| {
            fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name == "sleep\n")
        };
        let ready = children.len() == 2 && children.iter().all(are_sleeping);
        Ok(ready.then_some(children))
    })?;
    let stranger = Victim::sleep(&elsewhere)?;
    let probe = Probe::inject(&format!(
        "pause --process sleep --netns {} --for 5m",
        netns.name
    ))?;
    let all = || children.iter().all(|pid| is_stopped(*pid));
    wait_until("the children to be stopped", LIMIT, all)?;
    ensure!(!parent.is_stopped(), "its parent has another name");
    ensure!(!stranger.is_stopped(), "it is in another namespace");
    probe.end(Signal::SIGTERM)?;
    let none = !children.iter().any(|pid| is_stopped(*pid));
    for pid in &children {
        kill(Pid::from_raw(*pid as i32), Signal::SIGKILL)?;
    }
    ensure!(none, "they are still stopped");
    Ok(())
}

#[test]
#[ignore = "needs root"]
fn killed_stopped_or_without_its_guardian_it_lets_everybody_go_on() -> Result<()> {
    let _turn = Turn::alone()?;
    let ground = Ground::new()?;
    let mut told = Vec::new();
    for signal in [Signal::SIGKILL, Signal::SIGSTOP] {
        let (probe, traces) = ground.pause()?;
        let struck = Instant::now();
        probe.signal(signal)?;
        told.push((signal, ground.goes_on(struck, LIMIT)?));
        probe.signal(Signal::SIGCONT)?;
        let ended = probe.finish()?;
        let code = if signal == Signal::SIGKILL { -9 } else { 3 };
        ensure!(ended.code() == code, "{ended:?}");
        traces.wait_until_gone()?;
        ensure!(!ground.victim.is_stopped(), "stopped again: {ended:?}");
    }
    for signal in [Signal::SIGKILL, Signal::SIGSTOP] {
        let (probe, traces) = ground.pause()?;
        let guardian = Pid::from_raw(guardian(&probe)? as i32);
        let struck = Instant::now();
        kill(guardian, signal)?;
        told.push((signal, ground.goes_on(struck, LIMIT)?));
        let ended = probe.finish_within(LONG)?;
        ensure!(ended.code() == 3, "{ended:?}");
        ensure!(ended.json()?["ended_by"] == "guard", "{ended:?}");
        ensure!(ended.stderr.contains("guardian"), "{ended:?}");
        traces.wait_until_gone()?;
        ensure!(traces.pages().is_empty(), "{:?}", traces.pages());
    }
    println!("went on after {told:?}");
    Ok(())
}

/// What is in the way when `probe stop` comes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Obstacle {
    None,
    /// Probe hangs, and what is noted down is gone: the guardian alone is left.
    GuardianAlone,
    /// Probe hangs, and its guardian was killed: what is noted down alone is left.
    NotesAlone,
}

#[test]
#[ignore = "needs root"]
fn stop_lets_everybody_go_on_at_once() -> Result<()> {
    let _turn = Turn::alone()?;
    let ground = Ground::new()?;
    for obstacle in [
        Obstacle::None,
        Obstacle::GuardianAlone,
        Obstacle::NotesAlone,
    ] {
        let took = stop_lets_go(&ground, obstacle).with_context(|| format!("{obstacle:?}"))?;
        println!("{obstacle:?}: went on {took:?} after the start of `probe stop`");
    }
    Ok(())
}

fn stop_lets_go(ground: &Ground, obstacle: Obstacle) -> Result<Duration> {
    let (paused, traces) = ground.pause()?;
    let (code, told) = probe("status")?;
    ensure!(code == 0 && told.contains("pause of cgroup"), "{told}");
    let guardian = Pid::from_raw(guardian(&paused)? as i32);
    let struck = Instant::now();
    match obstacle {
        Obstacle::None => {}
        Obstacle::GuardianAlone => {
            paused.signal(Signal::SIGSTOP)?;
            for page in traces.pages() {
                fs::remove_file(format!("/run/probe/{page}"))?;
            }
        }
        Obstacle::NotesAlone => {
            paused.signal(Signal::SIGSTOP)?;
            kill(guardian, Signal::SIGKILL)?;
        }
    }
    ensure!(ground.victim.is_stopped(), "it went on by itself");
    let began = Instant::now();
    let mut stop = Command::new(programs::probe()?);
    let mut stop = stop.arg("stop").stdout(Stdio::null()).spawn()?;
    let mut went_on = None;
    let stopped = wait_for("probe to stop everything", LONG, || {
        if !ground.victim.is_stopped() {
            went_on.get_or_insert_with(Instant::now);
        }
        Ok(stop.try_wait()?.map(|_| Instant::now()))
    })?;
    ground.goes_on(stopped, AT_ONCE)?;
    let went_on = went_on.unwrap_or_else(Instant::now);
    // Else the lease would have let it go as well.
    let after = went_on.duration_since(struck);
    ensure!(after < LIMIT / 2, "the test was too slow: {after:?}");
    paused.signal(Signal::SIGCONT)?;
    let ended = paused.finish()?;
    ensure!(ended.code() == 3, "{ended:?}");
    traces.wait_until_gone()?;
    ensure!(traces.pages().is_empty(), "{:?}", traces.pages());
    ensure!(!ground.victim.is_stopped(), "stopped again");
    Ok(went_on.duration_since(began))
}

#[test]
#[ignore = "needs root"]
fn with_guardian_and_probe_killed_stop_lets_everybody_go_on() -> Result<()> {
    let _turn = Turn::alone()?;
    let ground = Ground::new()?;
    let (paused, traces) = ground.pause()?;
    let guardian = Pid::from_raw(guardian(&paused)? as i32);
    // Neither may see the other's death.
    kill(guardian, Signal::SIGSTOP)?;
    paused.signal(Signal::SIGKILL)?;
    kill(guardian, Signal::SIGKILL)?;
    ensure!(paused.finish()?.code() == -9, "not killed");
    ensure!(ground.victim.is_stopped(), "somebody continued it already");
    traces.wait_until_gone()?;
    let (code, told) = probe("stop")?;
    ensure!(code == 0 && told.contains("cleared:"), "{told}");
    ensure!(!ground.victim.is_stopped(), "still stopped: {told}");
    ensure!(traces.pages().is_empty(), "{:?}", traces.pages());
    Ok(())
}

#[test]
#[ignore = "needs root"]
fn who_was_stopped_before_stays_stopped() -> Result<()> {
    let _turn = Turn::together()?;
    let ground = Ground::new()?;
    ground.victim.signal(Signal::SIGSTOP)?;
    ground.victim.wait_until_stopped()?;
    let ended = ground.inject("pause --for 1s")?.finish()?;
    ensure!(ended.code() == 4, "{ended:?}");
    ensure!(
        ended.stderr.contains("stopped by somebody else"),
        "{ended:?}"
    );
    ensure!(ground.victim.is_stopped(), "it was continued");
    Ok(())
}

#[test]
#[ignore = "needs root"]
fn in_pulses_it_stops_and_goes_on_in_turns() -> Result<()> {
    let _turn = Turn::together()?;
    let ground = Ground::new()?;
    let probe = ground.inject("pause --pulse 400ms/400ms --for 5m")?;
    for _ in 0..3 {
        ground.victim.wait_until_stopped()?;
        wait_until("it to go on", LONG, || !ground.victim.is_stopped())?;
    }
    let ended = probe.end(Signal::SIGTERM)?;
    ensure!(ended.json()?["counters"]["paused"] == 1, "{ended:?}");
    ensure!(!ground.victim.is_stopped(), "still stopped");
    Ok(())
}

#[test]
#[ignore = "needs root"]
fn killed_once_and_told_who_ignores_it() -> Result<()> {
    let _turn = Turn::together()?;
    for (fault, code, killed) in [
        ("kill", 0, 1),
        ("kill --signal KILL", 0, 1),
        ("kill --signal TERM", 0, 1),
    ] {
        let mut ground = Ground::new()?;
        let ended = ground.inject(&format!("{fault} --for 1m"))?.finish()?;
        ensure!(ended.code() == code, "{fault}: {ended:?}");
        ensure!(ended.json()?["counters"]["killed"] == killed, "{ended:?}");
        ensure!(ended.json()?["ended_by"] == "deadline", "{ended:?}");
        ensure!(ended.json()?["reason"] != "its time was over", "{ended:?}");
        ensure!(ground.victim.0.try_wait()?.is_some(), "it lives");
        ensure!(ground.bystander.0.try_wait()?.is_none(), "it was killed");
    }
    let ground = Ground::new()?;
    let stubborn = Victim::start(
        &ground.netns,
        &["sh", "-c", "trap '' TERM; while :; do sleep 0.05; done"],
    )?;
    wait_until("it to ignore SIGTERM", LONG, || {
        let status = fs::read_to_string(format!("/proc/{}/status", stubborn.pid()));
        let ignored = status.unwrap_or_default();
        let mut lines = ignored.lines();
        let hex = lines.find_map(|line| line.strip_prefix("SigIgn:\t"));
        let ignored = hex.and_then(|hex| u64::from_str_radix(hex, 16).ok());
        ignored.is_some_and(|bits| bits >> (Signal::SIGTERM as i32 - 1) & 1 == 1)
    })?;
    let ended = Probe::start(&format!(
        "inject kill --signal TERM --process {} --netns {} --for 1s -o json",
        stubborn.pid(),
        ground.netns.name
    ))?
    .finish()?;
    ensure!(ended.code() == 4, "{ended:?}");
    ensure!(ended.stderr.contains("--signal KILL"), "{ended:?}");
    let survivors = &ended.json()?["survivors"];
    let name = format!("sh {}", stubborn.pid());
    ensure!(survivors[0] == name.as_str(), "{ended:?}");
    Ok(())
}

#[test]
#[ignore = "needs root"]
fn in_a_game_day_the_service_is_paused_and_recovers() -> Result<()> {
    let _turn = Turn::together()?;
    let lab = Lab::up("--for 60s")?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("pause.toml");
    let scenario = format!(
        "name = \"the shop hangs\"\n\
         [service]\nname = \"shop\"\nlisten = 8080\nprocess = \"{}\"\nnetns = \"{}\"\n\
         [steady_state]\nfor = \"2s\"\nsuccess_rate = \">= 90%\"\n\
         [[step]]\nat = \"0s\"\nfor = \"2s\"\nfault = \"pause\"\nnear = \"service\"\n\
         [expect]\nrecovery = \"<= 20s\"\n",
        lab.pid("shop")?,
        lab.netns("shop")
    );
    fs::write(&file, scenario)?;
    let ended = Probe::start(&format!("run --headless -o json {}", file.display()))?.finish()?;
    let verdict = ended.json()?;
    let counters = &verdict["faults"][0]["counters"];
    ensure!(counters["paused"] == 1, "{ended:?}");
    ensure!(ended.code() == 0, "{ended:?}");
    ensure!(!is_stopped(lab.pid("shop")?), "the shop is still stopped");
    Ok(())
}

#[test]
#[ignore = "needs root"]
fn who_is_not_there_or_is_probes_own_is_refused() -> Result<()> {
    let _turn = Turn::together()?;
    let netns = Netns::new("empty")?;
    let cgroup = Cgroup::new()?;
    let (own, path) = (std::process::id(), &cgroup.path);
    for fault in ["pause", "kill"] {
        for (aim, words) in [
            (format!("--cgroup {path}"), "there is no process of it"),
            (format!("--process {own}"), "is left alone"),
            (
                format!("--cgroup {path} --netns {}", netns.name),
                "no process of it",
            ),
            (String::new(), "which processes"),
            (format!("--process {own} --to 10.9.9.9"), "leave --to out"),
            (format!("--process {own} --max-packets 3"), "leave it out"),
            (
                format!("--process {own} --direction egress"),
                "leave the direction out",
            ),
        ] {
            let (code, told) = probe(&format!("inject {fault} {aim} --for 1s"))?;
            ensure!(code == 2, "{fault} {aim}: {told}");
            ensure!(told.contains(words) && told.contains("hint:"), "{told}");
        }
    }
    ensure!(state(own) != Some('T'), "this process is stopped");
    Ok(())
}
