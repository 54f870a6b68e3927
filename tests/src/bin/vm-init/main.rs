//! The tests that run inside a virtual machine, one line each: `ok NAME`, or `FAILED NAME: why`.
//! They hold on every kernel. Emulated, a second may be any length: nothing here asserts that
//! something was quick, only what was counted, what came first, and what is left.

mod compare;
mod connections;
mod faults;
mod game_day;
mod leftovers;
mod near;
mod processes;
mod waiting;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    process::ExitCode,
};

use anyhow::{Context, Result, anyhow, ensure};
use tests::Probe;

/// A test, and what it is called on the console.
type Test = (&'static str, fn() -> Result<()>);

/// The word for what isn't a test: probe and netem side by side.
const COMPARE: &str = "compare-with-netem";

/// All of them, in the order they run: those that tell most come first.
const TESTS: &[Test] = &[
    ("every-program-loads", every_program_loads),
    ("delay", faults::delay_v4),
    ("delay-ipv6", faults::delay_v6),
    ("delay-on-loopback", faults::delay_on_loopback),
    ("loss-of-all", faults::loss_of_all),
    ("loss-of-half", faults::loss_of_half_v4),
    ("loss-of-half-ipv6", faults::loss_of_half_v6),
    ("corrupt-wire", faults::corrupt_wire),
    ("corrupt-payload", faults::corrupt_payload),
    ("loss-in-bursts", faults::loss_in_bursts),
    ("duplicate", faults::duplicate),
    ("reorder", faults::reorder),
    ("rate", faults::rate),
    ("partition", faults::partition),
    ("reset", connections::reset),
    ("reset-on-loopback", connections::reset_on_loopback),
    ("http-status", connections::http_status),
    ("dns", connections::dns),
    ("dns-on-loopback", connections::dns_on_loopback),
    ("waiting-chosen", waiting::fq_is_chosen),
    ("waiting-sigkill", leftovers::sigkill_of_a_lane),
    ("waiting-let-go", waiting::let_go),
    ("waiting-sigstop", waiting::sigstop_lets_go),
    ("waiting-two-add-up", waiting::two_add_up),
    ("waiting-users-qdisc", waiting::a_qdisc_of_the_users),
    ("near-side", near::only_the_chosen_is_hit),
    ("refuse", near::connect_fails_with_the_error_asked_for),
    ("limit-connections", near::so_many_are_open_and_no_more),
    ("pause", processes::pause),
    ("kill-a-process", processes::kill),
    ("waiting-on-loopback", waiting::loopback),
    ("waiting-corrupt", waiting::corrupt_beside_fq),
    ("waiting-reorder", waiting::reorder),
    ("waiting-rate", waiting::rate),
    ("waiting-bulk", waiting::bulk),
    ("waiting-jitter", waiting::jitter_keeps_the_order),
    ("waiting-accuracy", waiting::accuracy),
    ("sigkill", leftovers::sigkill),
    ("sigkill-on-loopback", leftovers::sigkill_on_loopback),
    ("sigstop", leftovers::sigstop),
    ("stop", leftovers::stop),
    ("two-at-once", leftovers::two_at_once),
    ("a-clsact-of-the-users", leftovers::a_clsact_of_the_users),
];

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some(near::PUPPET) {
        tests::puppet::act::run(near::PATIENCE);
        return ExitCode::SUCCESS;
    }
    // Who booted this waits for a word, and boots anew where none comes.
    println!("booted");
    let mut failed = false;
    // A word on the command line: only the tests with it in their names.
    let only = std::env::args().nth(1).unwrap_or_default();
    if only == COMPARE {
        return tell(COMPARE, compare::all);
    }
    if only == game_day::ASKED {
        return tell("game-day", game_day::play);
    }
    for (name, test) in TESTS.iter().filter(|(name, _)| name.contains(&only)) {
        failed |= tell(name, *test) != ExitCode::SUCCESS;
    }
    ExitCode::from(u8::from(failed))
}

/// Runs a test and says in one line how it ended, however many its reason has.
fn tell(name: &str, test: fn() -> Result<()>) -> ExitCode {
    match run(test) {
        Ok(()) => {
            println!("ok {name}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            let reason = format!("{error:#}").replace('\n', "; ");
            println!("FAILED {name}: {reason}");
            ExitCode::FAILURE
        }
    }
}

fn run(test: fn() -> Result<()>) -> Result<()> {
    let panicked = |panic: Box<dyn std::any::Any + Send>| {
        let words = panic.downcast_ref::<String>().cloned();
        let words = words.or_else(|| panic.downcast_ref::<&str>().map(|it| (*it).to_owned()));
        anyhow!("panicked: {}", words.unwrap_or_default())
    };
    catch_unwind(AssertUnwindSafe(test)).unwrap_or_else(|panic| Err(panicked(panic)))
}

/// `probe doctor` loads each program of the object, and finds nothing that fails.
fn every_program_loads() -> Result<()> {
    let ended = Probe::start("doctor -o json")?.finish()?;
    let report = ended.json()?;
    let checks = report["checks"]
        .as_array()
        .context("doctor has no checks")?;
    let find = |name: &str| checks.iter().find(|check| check["name"] == name);
    let programs = find("programs").context("doctor doesn't load programs")?;
    ensure!(programs["status"] == "ok", "programs: {programs}");
    println!("doctor: {}", programs["detail"]);
    for check in checks.iter().filter(|check| check["status"] != "ok") {
        println!("doctor: {check}");
    }
    ensure!(ended.code() == 0, "exit code {}: {report}", ended.code());
    Ok(())
}
