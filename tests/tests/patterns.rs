//! Which resilience patterns probe finds in the lab's shop, with each of them there and taken out:
//! real processes, real sockets, real faults. What is true is what the shop was started with.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use tests::{Probe, lab::Lab, pattern::PATTERNS, turn::Turn};

/// Payments and inventory, as the shop calls them.
const PAYMENTS: &str = "10.77.1.2:8080";
const INVENTORY: &str = "10.77.2.2:8080";

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

/// What an error begins with where nothing false was said, but too little.
const LITTLE: &str = "too little was said: ";

/// Runs a test, and once more where too little was said: a busy machine may leave too little
/// evidence. What is wrong it doesn't excuse.
fn unless_little(held: fn() -> Result<()>) -> Result<()> {
    let _turn = Turn::together()?;
    match held() {
        Err(error) if error.to_string().starts_with(LITTLE) => {
            println!("once more: {error}");
            held()
        }
        other => other,
    }
}

/// Whether a pattern is said to be as it is; what it rests on where it isn't.
fn expect(found: &Value, pattern: &str, verdicts: &[&str]) -> Result<()> {
    let said = &found[pattern];
    let verdict = said["verdict"].as_str().context("no verdict")?;
    println!("{pattern}: {verdict}: {}", said["evidence"]);
    if !verdicts.contains(&verdict) {
        let little = if verdict == "unknown" { LITTLE } else { "" };
        bail!("{little}{pattern} is {verdict}, not {verdicts:?}: {said}");
    }
    Ok(())
}

fn near(found: &Value, path: &str, wanted: f64, share: f64) -> Result<()> {
    let value = found.pointer(path).and_then(Value::as_f64);
    let value = value.with_context(|| format!("{LITTLE}no {path}: {found}"))?;
    println!("{path}: {value}");
    ensure!(
        (value - wanted).abs() <= wanted * share,
        "{path} is {value}, not {wanted}: {found}"
    );
    Ok(())
}

const OBSERVED: &[&str] = &["observed"];
const NOT_OBSERVED: &[&str] = &["absent", "unknown"];

/// Runs several shops side by side.
fn run_all<const N: usize>(cases: [Case<'_>; N]) -> Result<[Said; N]> {
    let said = std::thread::scope(|scope| {
        let running = cases.each_ref().map(|case| scope.spawn(|| case.run()));
        running.map(|it| match it.join() {
            Ok(said) => said,
            Err(panic) => std::panic::resume_unwind(panic),
        })
    });
    let mut each = said.into_iter();
    let mut next = || each.next().context("a case is missing")?;
    let all: Result<Vec<Said>> = (0..N).map(|_| next()).collect();
    all?.try_into().ok().context("a case is missing")
}

#[test]
#[ignore = "needs root"]
fn a_shop_that_loses_payments() -> Result<()> {
    unless_little(payments_are_lost)
}

fn payments_are_lost() -> Result<()> {
    let vanishes = format!("blackhole --to {PAYMENTS}");
    let none = "--without timeout --without retry --without circuit-breaker --without bulkhead \
                --without fallback --without load-shedding";
    let [all, nothing, calm] = run_all([
        Case {
            lab: "--seed 1",
            fault: &vanishes,
        },
        Case {
            lab: &format!("--seed 4 --customers-timeout 30s {none}"),
            fault: &vanishes,
        },
        Case {
            lab: "--seed 8",
            fault: "",
        },
    ])?;
    let payments = all.of(PAYMENTS)?;
    expect(payments, "timeout", OBSERVED)?;
    near(payments, "/timeout/value_ms", 250.0, 0.05)?;
    expect(payments, "circuit_breaker", OBSERVED)?;
    near(payments, "/circuit_breaker/open_ms", 1_000.0, 0.05)?;
    expect(payments, "fallback", OBSERVED)?;
    expect(payments, "load_shedding", NOT_OBSERVED)?;
    for pattern in PATTERNS {
        expect(all.of(INVENTORY)?, pattern, NOT_OBSERVED)?;
        expect(nothing.of(PAYMENTS)?, pattern, NOT_OBSERVED)?;
    }
    ensure!(calm.patterns.len() >= 3, "{:?}", calm.patterns);
    for found in &calm.patterns {
        for pattern in PATTERNS {
            expect(found, pattern, &["unknown"])?;
        }
    }
    Ok(())
}

#[test]
#[ignore = "needs root"]
fn a_shop_whose_inventory_is_reset() -> Result<()> {
    unless_little(inventory_is_reset)
}

fn inventory_is_reset() -> Result<()> {
    let reset = format!("reset --to {INVENTORY}");
    let [retries, doesnt, down] = run_all([
        Case {
            lab: "--seed 2 --without circuit-breaker",
            fault: &reset,
        },
        Case {
            lab: "--seed 3 --without circuit-breaker --without retry",
            fault: &reset,
        },
        Case {
            lab: "--seed 5 --without circuit-breaker --without retry --without fallback",
            fault: &reset,
        },
    ])?;
    let inventory = retries.of(INVENTORY)?;
    expect(inventory, "retry", OBSERVED)?;
    near(inventory, "/retry/attempts_max", 3.0, 0.0)?;
    expect(inventory, "circuit_breaker", NOT_OBSERVED)?;
    expect(inventory, "fallback", OBSERVED)?;
    let inventory = doesnt.of(INVENTORY)?;
    expect(inventory, "retry", NOT_OBSERVED)?;
    expect(inventory, "circuit_breaker", NOT_OBSERVED)?;
    expect(inventory, "fallback", OBSERVED)?;
    let inventory = down.of(INVENTORY)?;
    expect(inventory, "fallback", &["absent"])?;
    expect(inventory, "load_shedding", NOT_OBSERVED)
}

#[test]
#[ignore = "needs root"]
fn a_shop_whose_payments_are_slow() -> Result<()> {
    unless_little(payments_are_slow)
}

fn payments_are_slow() -> Result<()> {
    let others =
        "--without timeout --without retry --without circuit-breaker --without load-shedding";
    let slow = format!("delay 2s --to {PAYMENTS}");
    let [limited, unlimited] = run_all([
        Case {
            lab: &format!("--seed 6 {others}"),
            fault: &slow,
        },
        Case {
            lab: &format!("--seed 7 --without bulkhead {others}"),
            fault: &slow,
        },
    ])?;
    let payments = limited.of(PAYMENTS)?;
    expect(payments, "bulkhead", OBSERVED)?;
    // A call that hasn't ended when probe does is not on record.
    near(payments, "/bulkhead/limit", 10.0, 0.1)?;
    for pattern in ["retry", "timeout", "circuit_breaker"] {
        expect(payments, pattern, NOT_OBSERVED)?;
        expect(unlimited.of(PAYMENTS)?, pattern, NOT_OBSERVED)?;
    }
    expect(unlimited.of(PAYMENTS)?, "bulkhead", NOT_OBSERVED)
}
