//! Which resilience patterns probe finds in the lab's shop, with each of them there and taken out:
//! real processes, real sockets, real faults. What is true is what the shop was started with.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use tests::{Probe, lab::Lab, turn::Turn};

/// Payments, as the shop calls it.
const PAYMENTS: &str = "10.77.1.2:8080";

/// A shop, what is done to it, and for how long it is left alone before and after.
struct Case<'a> {
    lab: &'a str,
    fault: &'a str,
}

/// What probe says of the shop and payments.
struct Said {
    patterns: Vec<Value>,
}

impl Said {
    fn of(&self, dependency: &str) -> Result<&Value> {
        let is = |it: &&Value| it["service"]["comm"] == "shop" && it["remote"] == dependency;
        let found = self.patterns.iter().find(is);
        found.with_context(|| format!("nothing of {dependency}: {:?}", self.patterns))
    }
}

impl Case<'_> {
    /// Six seconds of calm, ten of the fault, six of calm.
    fn run(&self) -> Result<Said> {
        let lab = Lab::up(&format!("--rate 60 {}", self.lab))?;
        let netns = lab.netns("shop");
        let mut probe = Probe::start(&format!("observe -v --netns {netns} --for 24s -o json"))?;
        probe.wait_for("observing")?;
        // The calm that everything is compared with; it is the passing of time that matters.
        std::thread::sleep(Duration::from_secs(7));
        if !self.fault.is_empty() {
            let fault = self.fault;
            let injected =
                Probe::inject(&format!("{fault} --netns {netns} --for 10s"))?.finish()?;
            ensure!(injected.code() == 0, "{injected:?}");
        }
        let ended = probe.finish()?;
        ensure!(ended.code() == 0, "{ended:?}");
        let document = ended.json()?;
        ensure!(document["lost_events"] == 0, "events were lost");
        let patterns = document["patterns"].as_array().context("no patterns")?;
        Ok(Said {
            patterns: patterns.clone(),
        })
    }
}

/// Whether a pattern is said to be as it is; what it rests on where it isn't.
fn expect(found: &Value, pattern: &str, verdicts: &[&str]) -> Result<()> {
    let said = &found[pattern];
    let verdict = said["verdict"].as_str().context("no verdict")?;
    println!("{pattern}: {verdict}: {}", said["evidence"]);
    if !verdicts.contains(&verdict) {
        bail!("{pattern} is {verdict}, not {verdicts:?}: {said}");
    }
    Ok(())
}

fn near(found: &Value, path: &str, wanted: f64, share: f64) -> Result<()> {
    let value = found.pointer(path).and_then(Value::as_f64);
    let value = value.with_context(|| format!("no {path}: {found}"))?;
    println!("{path}: {value}");
    ensure!(
        (value - wanted).abs() <= wanted * share,
        "{path} is {value}, not {wanted}: {found}"
    );
    Ok(())
}

const OBSERVED: &[&str] = &["observed"];
const NOT_OBSERVED: &[&str] = &["absent", "unknown"];
const PATTERNS: [&str; 6] = [
    "timeout",
    "retry",
    "circuit_breaker",
    "bulkhead",
    "fallback",
    "load_shedding",
];

#[test]
#[ignore = "needs root"]
fn a_shop_with_all_of_them_and_a_dependency_that_vanishes() -> Result<()> {
    let _turn = Turn::together()?;
    let fault = format!("blackhole --to {PAYMENTS}");
    let said = Case {
        lab: "--seed 1",
        fault: &fault,
    }
    .run()?;
    let payments = said.of(PAYMENTS)?;
    expect(payments, "timeout", OBSERVED)?;
    near(payments, "/timeout/value_ms", 250.0, 0.05)?;
    expect(payments, "circuit_breaker", OBSERVED)?;
    near(payments, "/circuit_breaker/open_ms", 1_000.0, 0.05)?;
    expect(payments, "fallback", OBSERVED)?;
    expect(payments, "load_shedding", NOT_OBSERVED)?;
    let inventory = said.of("10.77.2.2:8080")?;
    for pattern in PATTERNS {
        expect(inventory, pattern, NOT_OBSERVED)?;
    }
    Ok(())
}

#[test]
#[ignore = "needs root"]
fn retries_are_told_from_none() -> Result<()> {
    let _turn = Turn::together()?;
    let fault = format!("reset --to {PAYMENTS}");
    let said = Case {
        lab: "--seed 2 --without circuit-breaker",
        fault: &fault,
    }
    .run()?;
    let payments = said.of(PAYMENTS)?;
    expect(payments, "retry", OBSERVED)?;
    near(payments, "/retry/attempts_max", 3.0, 0.0)?;
    ensure!(payments["retry"]["jitter"] == "full", "{payments}");
    expect(payments, "circuit_breaker", NOT_OBSERVED)?;
    let without = Case {
        lab: "--seed 3 --without circuit-breaker --without retry",
        fault: &fault,
    }
    .run()?;
    let payments = without.of(PAYMENTS)?;
    expect(payments, "retry", NOT_OBSERVED)?;
    expect(payments, "circuit_breaker", NOT_OBSERVED)?;
    expect(payments, "fallback", OBSERVED)
}

#[test]
#[ignore = "needs root"]
fn a_shop_with_none_of_them() -> Result<()> {
    let _turn = Turn::together()?;
    let without = "--without timeout --without retry --without circuit-breaker --without bulkhead \
                   --without fallback --without load-shedding";
    for (seed, fault) in [(4, "blackhole"), (5, "reset")] {
        let said = Case {
            lab: &format!("--seed {seed} --customers-timeout 30s {without}"),
            fault: &format!("{fault} --to {PAYMENTS}"),
        }
        .run()?;
        let payments = said.of(PAYMENTS)?;
        for pattern in PATTERNS {
            expect(payments, pattern, NOT_OBSERVED)?;
        }
        let absent = if fault == "reset" {
            "fallback"
        } else {
            "timeout"
        };
        expect(payments, absent, &["absent"])?;
    }
    Ok(())
}

#[test]
#[ignore = "needs root"]
fn a_bulkhead_alone() -> Result<()> {
    let _turn = Turn::together()?;
    let others = "--without timeout --without retry --without circuit-breaker";
    let fault = format!("delay 2s --to {PAYMENTS}");
    let said = Case {
        lab: &format!("--seed 6 {others} --without load-shedding"),
        fault: &fault,
    }
    .run()?;
    let payments = said.of(PAYMENTS)?;
    expect(payments, "bulkhead", OBSERVED)?;
    near(payments, "/bulkhead/limit", 10.0, 0.0)?;
    expect(payments, "retry", NOT_OBSERVED)?;
    expect(payments, "circuit_breaker", NOT_OBSERVED)?;
    let said = Case {
        lab: &format!("--seed 7 {others} --without bulkhead --without load-shedding"),
        fault: &fault,
    }
    .run()?;
    let payments = said.of(PAYMENTS)?;
    expect(payments, "bulkhead", NOT_OBSERVED)
}

#[test]
#[ignore = "needs root"]
fn nothing_is_found_where_nothing_happens() -> Result<()> {
    let _turn = Turn::together()?;
    let said = Case {
        lab: "--seed 8",
        fault: "",
    }
    .run()?;
    ensure!(said.patterns.len() >= 3, "{:?}", said.patterns);
    for found in &said.patterns {
        for pattern in PATTERNS {
            expect(found, pattern, &["unknown"])?;
        }
    }
    Ok(())
}
