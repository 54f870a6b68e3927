//! The lab as a whole: it serves, shows its patterns, and leaves nothing behind however it ends.

mod fixture;

use std::process::Command;

use fixture::{LAB, Lab, wait_until};
use nix::sys::signal::Signal;

#[test]
#[ignore = "needs root"]
fn serves_and_leaves_nothing_after_ctrl_c() {
    // A machine that stands still for a quarter of a second has a call meet its timeout, which
    // the shop's patterns hide from its customers, and the summary tells: that is tried again.
    let mut failed = Vec::new();
    for _ in 0..3 {
        failed = calls_that_failed();
        if failed.is_empty() {
            return;
        }
        println!("failed: {failed:?}");
    }
    panic!("three times in a row, the last: {failed:?}");
}

/// Lets customers in for a while, and tells what else there was than calls that went well.
fn calls_that_failed() -> Vec<String> {
    let mut lab = Lab::up("t-serve", &["--rate", "100"]);
    assert_eq!(lab.ready["service"]["v4"], "10.77.9.1:8080");
    lab.wait_for_calls(200);
    let (status, summary) = lab.end(Signal::SIGINT);
    assert_eq!(status.code(), Some(0));
    let customers = &summary["customers"];
    assert!(customers["requests"].as_u64() > Some(20), "{customers}");
    assert_eq!(customers["availability"], 1.0, "{customers}");
    let mut failed = Vec::new();
    if customers["degraded"] != 0 {
        failed.push(customers.to_string());
    }
    for dependency in ["payments", "inventory", "recommendations"] {
        let counts = &summary["dependencies"][dependency];
        assert!(counts["calls"].as_u64() > Some(0), "{dependency}: {counts}");
        if counts["calls"] != counts["ok"] {
            failed.push(format!("{dependency}: {counts}"));
        }
    }
    failed
}

#[test]
#[ignore = "needs root"]
fn the_record_agrees_with_the_summary() {
    let mut lab = Lab::up("t-record", &["--ipv6", "--rate", "100"]);
    lab.wait_for_calls(200);
    let (_, summary) = lab.end(Signal::SIGTERM);
    let calls = lab.calls();
    let made = |to: &str| {
        let calls = calls
            .iter()
            .filter(|call| call["to"] == to && call["path"] != "/health");
        calls.count() as u64
    };
    for dependency in ["payments", "inventory", "recommendations"] {
        let counted = &summary["dependencies"][dependency]["calls"];
        assert_eq!(counted.as_u64(), Some(made(dependency)), "{dependency}");
    }
    let customers = &summary["customers"];
    let visits =
        customers["requests"].as_u64().unwrap() + customers["unfinished"].as_u64().unwrap();
    assert_eq!(visits, made("shop"));
    let latencies = calls.iter().filter_map(|call| call["latency_ns"].as_u64());
    assert!(
        latencies.min() > Some(1_000),
        "no answer takes less than a microsecond"
    );
}

#[test]
#[ignore = "needs root"]
fn a_hanging_dependency_shows_every_pattern_but_shedding() {
    let mut lab = Lab::up("t-hang", &["--rate", "100"]);
    lab.signal("payments", Signal::SIGSTOP);
    lab.wait_for_calls(400);
    let (status, summary) = lab.end(Signal::SIGINT);
    assert_eq!(status.code(), Some(0));
    let payments = &summary["dependencies"]["payments"];
    for sign in ["timeouts", "retries", "short_circuited"] {
        assert!(payments[sign].as_u64() > Some(0), "{sign}: {payments}");
    }
    assert!(payments["in_flight_max"].as_u64() <= Some(10), "{payments}");
    assert!(
        payments["circuit_breaker"]["opened"].as_u64() > Some(0),
        "{payments}"
    );
    let customers = &summary["customers"];
    assert_eq!(customers["availability"], 1.0, "{customers}");
    assert!(customers["degraded"].as_u64() > Some(0), "{customers}");
}

#[test]
#[ignore = "needs root"]
fn without_a_fallback_customers_feel_a_dead_dependency() {
    let mut lab = Lab::up("t-bare", &["--rate", "100", "--without", "fallback"]);
    lab.signal("payments", Signal::SIGKILL);
    lab.wait_for_calls(200);
    let (status, summary) = lab.end(Signal::SIGINT);
    assert_eq!(
        status.code(),
        Some(0),
        "a dead dependency is part of the play"
    );
    assert!(
        summary["customers"]["failed"].as_u64() > Some(0),
        "{summary}"
    );
    assert_eq!(summary["customers"]["degraded"], 0, "{summary}");
}

#[test]
#[ignore = "needs root"]
fn a_killed_lab_leaves_nothing() {
    let mut lab = Lab::up("t-killed", &[]);
    lab.signal("payments", Signal::SIGSTOP);
    lab.kill();
    wait_until("everything is gone", || lab.leftovers().is_empty());
}

#[test]
#[ignore = "needs root"]
fn a_dead_shop_ends_the_lab() {
    let mut lab = Lab::up("t-dead", &[]);
    lab.signal("shop", Signal::SIGKILL);
    assert_eq!(lab.wait().code(), Some(1));
    assert_eq!(lab.leftovers(), Vec::<String>::new());
}

#[test]
#[ignore = "needs root"]
fn a_name_is_taken_once() {
    let mut lab = Lab::up("t-twice", &[]);
    for command in ["up", "down"] {
        let output = Command::new(LAB)
            .args([command, "--name", "t-twice"])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2), "{command}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(
            said.contains("is running") && said.contains("hint: "),
            "{command}: {said}"
        );
    }
    assert_eq!(lab.end(Signal::SIGHUP).0.code(), Some(0));
}

#[test]
#[ignore = "needs root"]
fn down_clears_what_not_even_the_janitor_could() {
    let mut lab = Lab::up("t-down", &[]);
    lab.kill_janitor();
    lab.kill();
    assert!(!lab.leftovers().is_empty(), "this test has nothing to test");
    for _ in 0..2 {
        assert!(
            Command::new(LAB)
                .args(["down", "--name", "t-down"])
                .status()
                .unwrap()
                .success()
        );
        wait_until("everything is gone", || lab.leftovers().is_empty());
    }
}

#[test]
#[ignore = "needs root"]
fn the_end_of_standard_input_ends_the_lab() {
    let mut lab = Lab::up("t-stdin", &["--until-stdin-closes"]);
    lab.close_stdin();
    assert_eq!(lab.wait().code(), Some(0));
    assert_eq!(lab.leftovers(), Vec::<String>::new());
}

#[test]
fn nonsense_is_refused() {
    for arguments in [
        &["up", "--name", "../x"][..],
        &["up", "--without", "hope"],
        &["up", "--for", "5"],
        &["up", "--rate", "0"],
    ] {
        let output = Command::new(LAB).args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    }
}
