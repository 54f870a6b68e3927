//! DNS: questions for names that fit are answered with a failure that is taken for the server's,
//! or not at all; other questions, and other packets, reach the server.

use std::{fs, process::Command};

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;
use tests::{
    Ended, Pair, Probe,
    place::Place,
    resolver::{A, AAAA, Asked, Resolver, ask},
    turn::Turn,
};

const PORT: u16 = 53;

#[test]
#[ignore = "needs root"]
fn each_answer_is_the_one_asked_for() -> Result<()> {
    let _turn = Turn::together()?;
    let pair = Pair::new()?;
    for place in Place::all(&pair) {
        let resolver = Resolver::new(place.far, place.at(PORT))?;
        for (answer, expected) in [
            ("nxdomain", Asked::Failure(3)),
            ("servfail", Asked::Failure(2)),
            ("refused", Asked::Failure(5)),
            ("timeout", Asked::Nothing),
        ] {
            let probe = inject(&place, &format!("dns {answer}"))?;
            for kind in [A, AAAA, 15] {
                let asked = ask(place.near, place.at(PORT), "payments.internal", kind)?;
                ensure!(asked == expected, "{}: {answer}: {asked:?}", place.address);
            }
            let ended = probe.end(Signal::SIGINT)?;
            let counter = if answer == "timeout" {
                "dropped"
            } else {
                "rewritten"
            };
            counts(&ended, counter, 3)?;
        }
        ensure!(resolver.asked() == 0, "{} came", resolver.asked());
        let asked = ask(place.near, place.at(PORT), "payments.internal", A)?;
        ensure!(asked == Asked::Address, "afterwards: {asked:?}");
    }
    Ok(())
}

/// Patterns, names that fit, and names that don't.
const PATTERNS: [(&str, &[&str], &[&str]); 5] = [
    (
        "*.internal",
        &["payments.internal", "a.b.INTERNAL", "x.Internal"],
        &["internal", "payments.internal.example", "xinternal"],
    ),
    (
        "payments.*",
        &["payments.internal", "PayMents.x.y"],
        &["payments", "xpayments.internal", "paymentsx.internal"],
    ),
    (
        "Payments.internal",
        &["payments.internal", "PAYMENTS.INTERNAL"],
        &[
            "payments.interna",
            "payments.internal.x",
            "a.payments.internal",
        ],
    ),
    (
        "pay*.shop",
        &["pay.shop", "payments.eu.shop"],
        &["pa.shop", "pay.shopx", "pay"],
    ),
    ("*", &["a", "payments.internal"], &[]),
];

#[test]
#[ignore = "needs root"]
fn names_that_do_not_fit_are_answered_by_the_server() -> Result<()> {
    let _turn = Turn::together()?;
    let pair = Pair::new()?;
    for place in Place::all(&pair) {
        let resolver = Resolver::new(place.far, place.at(PORT))?;
        for (pattern, fitting, others) in PATTERNS {
            let before = resolver.asked();
            let probe = inject(&place, &format!("dns nxdomain --name {pattern}"))?;
            for name in fitting {
                let asked = ask(place.near, place.at(PORT), name, A)?;
                ensure!(asked == Asked::Failure(3), "{pattern} on {name}: {asked:?}");
            }
            for name in others {
                let asked = ask(place.near, place.at(PORT), name, AAAA)?;
                ensure!(asked == Asked::Address, "{pattern} on {name}: {asked:?}");
            }
            let ended = probe.end(Signal::SIGINT)?;
            counts(&ended, "rewritten", fitting.len() as u64)?;
            ensure!(ended.counter("passed")? == others.len() as u64, "{ended:?}");
            ensure!(resolver.asked() - before == others.len() as u64);
        }
        // The longest name there is.
        let long = [
            ["a"; 31].join("."),
            "b".repeat(63),
            "c".repeat(63),
            "d".repeat(63),
        ]
        .join(".");
        ensure!(long.len() == 253);
        let probe = inject(&place, &format!("dns nxdomain --name *.{}", "d".repeat(63)))?;
        let asked = ask(place.near, place.at(PORT), &long, A)?;
        ensure!(asked == Asked::Failure(3), "the longest: {asked:?}");
        counts(&probe.end(Signal::SIGINT)?, "rewritten", 1)?;
    }
    Ok(())
}

/// The C library's resolver takes the answer for the server's, and doesn't wait for another.
#[test]
#[ignore = "needs root"]
fn getaddrinfo_hears_that_there_is_no_such_name() -> Result<()> {
    let _turn = Turn::together()?;
    let pair = Pair::new()?;
    let folder = tempfile::tempdir()?;
    let conf = folder.path().join("resolv.conf");
    let switch = folder.path().join("nsswitch.conf");
    fs::write(&switch, "hosts: dns\n")?;
    for place in Place::all(&pair) {
        fs::write(
            &conf,
            format!(
                "nameserver {}\noptions timeout:5 attempts:1\n",
                place.address
            ),
        )?;
        let _resolver = Resolver::new(place.far, place.at(PORT))?;
        let probe = inject(&place, "dns nxdomain --name *.internal")?;
        // A mount namespace, so that nobody else's files change.
        let script = format!(
            "mount --bind {} /etc/resolv.conf && mount --bind {} /etc/nsswitch.conf && \
             getent ahosts payments.internal; echo $?; getent ahosts payments.example; echo $?",
            conf.display(),
            switch.display()
        );
        let net = format!("--net=/run/netns/{}", place.near.name);
        let output = Command::new("nsenter")
            .args([&net, "unshare", "-m", "sh", "-c", &script])
            .output()
            .context("asking by getent")?;
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        ensure!(told.starts_with("2\n"), "{told} {output:?}");
        ensure!(
            told.contains("10.9.8.7") && told.contains("fd00::9"),
            "{told}"
        );
        ensure!(told.ends_with("\n0\n"), "{told}");
        // For both kinds of addresses, at least.
        let ended = probe.end(Signal::SIGINT)?;
        ensure!(ended.counter("rewritten")? >= 2, "{ended:?}");
    }
    Ok(())
}

fn inject(place: &Place, fault: &str) -> Result<Probe> {
    Probe::inject(&format!(
        "{fault} --to {} --netns {} --for 10m",
        place.at(PORT),
        place.near.name
    ))
}

/// So many questions were touched, and every other packet is accounted for.
fn counts(ended: &Ended, counter: &str, count: u64) -> Result<()> {
    ensure!(ended.counter(counter)? == count, "{counter}: {ended:?}");
    let sum = count + ended.counter("passed")?;
    ensure!(ended.counter("seen")? == sum, "{ended:?}");
    Ok(())
}
