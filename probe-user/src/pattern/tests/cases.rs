//! Labelled cases: random setups of each kind, and what is true of them, told by what the
//! simulation did and not by what a detector might see.

use super::chance::Chance;
use super::policies::{Breaker, Throttle, Trip, Wait};
use super::world::{Demand, Facts, MAIN, OTHER, Requests, Setup};
use crate::pattern::ledger::FaultKind;
use crate::pattern::recording::Truth;

/// What a case is mainly about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    Timeout,
    Retry,
    Breaker,
    Bulkhead,
    Fallback,
    Shedding,
    Everything,
    Control,
}

pub const ALL: [About; 8] = [
    About::Timeout,
    About::Retry,
    About::Breaker,
    About::Bulkhead,
    About::Fallback,
    About::Shedding,
    About::Everything,
    About::Control,
];

/// A service without any pattern, called or calling somehow, its dependency failing somehow.
fn plain(chance: &mut Chance) -> Setup {
    let from = chance.between(8.0, 12.0);
    let lasts = chance.between(8.0, 18.0);
    let kind = chance.pick(&[FaultKind::Reset, FaultKind::Errors, FaultKind::Refuse]);
    let share = if chance.happens(0.25) {
        chance.between(0.3, 0.8)
    } else {
        1.0
    };
    Setup {
        demand: demand(chance),
        inbound: false,
        beside: false,
        requests: chance.pick(&[
            Requests::Each,
            Requests::Few(5),
            Requests::Few(60),
            Requests::Same,
        ]),
        keep_alive: chance.happens(0.7),
        connect_timeout: None,
        read_timeout: None,
        total_timeout: None,
        deadline: None,
        attempts: 1,
        wait: Wait::AtOnce,
        breaker: None,
        breaker_inside: false,
        throttle: None,
        limit: None,
        queues: false,
        fallback: false,
        alternate: false,
        admits: None,
        surge: None,
        latency: chance.between(1.0, 25.0),
        sigma: chance.between(0.1, 0.7),
        fault: Some((kind, share, from, from + lasts)),
        delay: 0.0,
        lasts: from + lasts + 8.0,
        dies: None,
        idle: None,
        status: chance.pick(&[500, 502, 503]),
    }
}

fn demand(chance: &mut Chance) -> Demand {
    match chance.below(5) {
        0 => Demand::Workers {
            count: 1,
            pause: chance.between(30.0, 300.0),
            random: false,
            threads: chance.happens(0.5),
        },
        1 => Demand::Workers {
            count: 1 + chance.below(6),
            pause: chance.between(40.0, 300.0),
            random: false,
            threads: true,
        },
        2 => Demand::Workers {
            count: 1 + chance.below(4),
            pause: chance.between(40.0, 300.0),
            random: true,
            threads: true,
        },
        3 => Demand::Ticks {
            period: chance.between(25.0, 250.0),
        },
        _ => Demand::Random {
            rate: chance.between(5.0, 40.0),
        },
    }
}

/// Called by others, at a rate.
fn serve(setup: &mut Setup, chance: &mut Chance) {
    setup.inbound = true;
    setup.beside = chance.happens(0.6);
    setup.demand = match chance.happens(0.5) {
        true => Demand::Random {
            rate: chance.between(8.0, 60.0),
        },
        false => Demand::Ticks {
            period: chance.between(15.0, 120.0),
        },
    };
}

fn keep_waiting(setup: &mut Setup, chance: &mut Chance) {
    let Some(fault) = &mut setup.fault else {
        return;
    };
    fault.0 = chance.pick(&[FaultKind::Blackhole, FaultKind::Delay]);
    fault.1 = 1.0;
    setup.delay = chance.between(1_500.0, 6_000.0);
}

fn give_timeout(setup: &mut Setup, chance: &mut Chance) {
    let value = chance.pick(&[100.0, 250.0, 300.0, 500.0, 750.0, 1_000.0, 2_000.0]);
    match chance.below(4) {
        0 => setup.total_timeout = Some(value),
        1 => setup.connect_timeout = Some(value),
        _ => {
            setup.read_timeout = Some(value);
            setup.connect_timeout = Some(value);
        }
    }
    setup.delay = setup.delay.max(2.0 * value);
}

fn wait(chance: &mut Chance) -> Wait {
    let base = chance.pick(&[50.0, 100.0, 150.0, 200.0, 250.0, 400.0]);
    match chance.below(8) {
        0 => Wait::AtOnce,
        1 => Wait::Fixed(base),
        2 | 3 => Wait::Exponential(base, chance.pick(&[1.5, 2.0, 2.0, 3.0]), 1e5),
        4 => Wait::Linear(base),
        5 => Wait::Urllib3(base),
        6 => Wait::Full(base * 2.0, 2.0, 1e5),
        _ => match chance.happens(0.5) {
            true => Wait::Equal(base * 2.0, 2.0, 1e5),
            false => Wait::Around(base, 2.0, chance.pick(&[0.2, 0.25, 0.5])),
        },
    }
}

fn give_retry(setup: &mut Setup, chance: &mut Chance) {
    setup.attempts = 2 + chance.below(4) as u32;
    setup.wait = wait(chance);
}

fn give_breaker(setup: &mut Setup, chance: &mut Chance) {
    let trip = match chance.below(4) {
        0 => Trip::Share(0.5, 20, 10),
        1 => Trip::Rolling(0.5, 10_000.0),
        _ => Trip::Consecutive(3 + chance.below(6) as u32),
    };
    let open = chance.pick(&[1_000.0, 1_500.0, 2_000.0, 3_000.0]);
    let probes = chance.pick(&[1, 1, 1, 3]);
    let ramp = if setup.inbound && chance.happens(0.2) {
        5_000.0
    } else {
        0.0
    };
    setup.breaker = Some(Breaker::new(trip, open, probes, ramp));
    setup.breaker_inside = chance.happens(0.5);
}

/// A random case of a kind.
pub fn setup(about: About, chance: &mut Chance) -> Setup {
    let mut setup = plain(chance);
    let it = &mut setup;
    match about {
        About::Timeout => timeout(it, chance),
        About::Retry => retry(it, chance),
        About::Breaker => breaker(it, chance),
        About::Bulkhead => bulkhead(it, chance),
        About::Fallback => fallback(it, chance),
        About::Shedding => shedding(it, chance),
        About::Everything => everything(it, chance),
        About::Control => control(it, chance),
    }
    setup
}

fn timeout(it: &mut Setup, chance: &mut Chance) {
    if chance.happens(0.3) {
        serve(it, chance);
    }
    keep_waiting(it, chance);
    if chance.happens(0.8) {
        give_timeout(it, chance);
    }
    if chance.happens(0.4) {
        give_retry(it, chance);
    }
    if it.attempts > 1 && chance.happens(0.2) {
        it.deadline = Some(chance.between(1_500.0, 3_000.0));
    }
}

fn retry(it: &mut Setup, chance: &mut Chance) {
    if chance.happens(0.4) {
        serve(it, chance);
    }
    if chance.happens(0.25) {
        keep_waiting(it, chance);
        give_timeout(it, chance);
    }
    if chance.happens(0.85) {
        give_retry(it, chance);
    }
    if chance.happens(0.1) {
        it.demand = Demand::Once;
        it.inbound = false;
        it.fault = it.fault.map(|(kind, _, _, _)| (kind, 1.0, 0.0, 30.0));
        it.lasts = 31.0;
        it.wait = Wait::Exponential(1_000.0, 2.0, 1e6);
        it.attempts = 5;
    }
}

fn breaker(it: &mut Setup, chance: &mut Chance) {
    if chance.happens(0.6) {
        serve(it, chance);
    }
    if chance.happens(0.3) {
        keep_waiting(it, chance);
        give_timeout(it, chance);
    }
    if let Some(fault) = &mut it.fault {
        fault.1 = 1.0;
    }
    if chance.happens(0.3) {
        give_retry(it, chance);
    }
    match chance.below(10) {
        0 if it.inbound => it.throttle = Some(Throttle::default()),
        1 => {}
        _ => give_breaker(it, chance),
    }
}

fn bulkhead(it: &mut Setup, chance: &mut Chance) {
    serve(it, chance);
    it.beside |= chance.happens(0.5);
    it.queues = chance.happens(0.4);
    if it.queues {
        it.beside = true;
    }
    if let Some(fault) = &mut it.fault {
        (fault.0, fault.1) = (FaultKind::Delay, 1.0);
    }
    it.delay = chance.between(1_000.0, 3_000.0);
    if chance.happens(0.8) {
        it.limit = Some(2 + chance.below(12));
    }
    if chance.happens(0.3) {
        it.total_timeout = Some(chance.pick(&[500.0, 800.0]));
    }
}

fn fallback(it: &mut Setup, chance: &mut Chance) {
    serve(it, chance);
    if chance.happens(0.3) {
        keep_waiting(it, chance);
        give_timeout(it, chance);
    }
    if let Some(fault) = &mut it.fault {
        fault.1 = 1.0;
    }
    it.fallback = chance.happens(0.45);
    it.alternate = !it.fallback && chance.happens(0.45);
    if chance.happens(0.3) {
        give_retry(it, chance);
    }
    if chance.happens(0.3) {
        give_breaker(it, chance);
    }
}

fn shedding(it: &mut Setup, chance: &mut Chance) {
    serve(it, chance);
    it.fault = None;
    it.latency = chance.between(15.0, 60.0);
    it.sigma = 0.3;
    it.demand = Demand::Random {
        rate: chance.between(20.0, 60.0),
    };
    it.surge = Some((chance.between(5.0, 9.0), 10.0, chance.between(14.0, 18.0)));
    if chance.happens(0.75) {
        it.admits = Some(4 + chance.below(6));
    }
}

fn everything(it: &mut Setup, chance: &mut Chance) {
    serve(it, chance);
    if chance.happens(0.5) {
        keep_waiting(it, chance);
    }
    if chance.happens(0.8) {
        give_timeout(it, chance);
    }
    if chance.happens(0.5) {
        give_retry(it, chance);
    }
    if chance.happens(0.5) {
        give_breaker(it, chance);
    }
    if chance.happens(0.4) {
        it.limit = Some(5 + chance.below(8));
    }
    it.fallback = chance.happens(0.5);
}

/// Callers in which no pattern is, though some look as if.
fn control(it: &mut Setup, chance: &mut Chance) {
    match chance.below(8) {
        // Calls, falls idle, and comes back.
        0 => {
            let from = chance.between(11.0, 14.0);
            it.idle = Some((from, from + chance.between(3.0, 8.0)));
        }
        // Dies while the fault is on.
        1 => {
            keep_waiting(it, chance);
            it.dies = Some(
                it.fault
                    .map_or(10.0, |fault| fault.2 + chance.between(0.5, 5.0)),
            );
        }
        // A rhythm of its own: a health check, a poller.
        2 => {
            it.demand = Demand::Ticks {
                period: chance.between(500.0, 2_000.0),
            };
            it.lasts += 20.0;
        }
        3 => {
            it.demand = Demand::Bursts {
                size: 3 + chance.below(8),
                every: chance.between(800.0, 3_000.0),
            }
        }
        // A load generator whose workers never pause.
        4 => {
            it.demand = Demand::Workers {
                count: 1 + chance.below(8),
                pause: 0.0,
                random: false,
                threads: chance.happens(0.5),
            };
            it.latency = chance.between(10.0, 40.0);
        }
        // No timeout: waits as long as it takes.
        5 => keep_waiting(it, chance),
        6 => serve(it, chance),
        // Slow, and so many workers only.
        _ => {
            it.demand = Demand::Workers {
                count: 2 + chance.below(8),
                pause: chance.between(20.0, 200.0),
                random: chance.happens(0.5),
                threads: chance.happens(0.5),
            };
            keep_waiting(it, chance);
        }
    }
}

/// What is true of a case, as far as it had every chance to show.
pub fn truth(case: String, setup: &Setup, facts: &Facts) -> Truth {
    let mut truth = Truth {
        case,
        service: 42,
        dependency: MAIN,
        ..Truth::default()
    };
    let limits = [
        setup.connect_timeout,
        setup.read_timeout,
        setup.total_timeout,
        setup.deadline,
    ];
    let has_timeout = limits.iter().any(Option::is_some);
    truth.timeout = fired(has_timeout, facts.timeouts.max(facts.deadlines) >= 5);
    if facts.deadlines == 0 && setup.dies.is_none() {
        let each = [
            setup.total_timeout,
            setup.read_timeout,
            setup.connect_timeout,
        ];
        truth.timeout_ms = each.into_iter().flatten().next();
    } else if facts.timeouts == 0 {
        truth.timeout_ms = setup.deadline;
    }
    truth_of_retry(&mut truth, setup, facts);
    truth_of_breaker(&mut truth, setup);
    truth.bulkhead = fired(
        setup.limit.is_some(),
        facts.kept_out >= 20 && !is_blackholed(setup),
    );
    if truth.bulkhead == Some(true) {
        truth.limit = setup.limit.map(|it| it as u32);
        // Whether a call waits with or without its place is the same seen from outside.
        if setup.attempts > 1 {
            truth.limit = None;
            truth.bulkhead = None;
        }
    }
    let has_fallback = setup.fallback || setup.alternate;
    truth.fallback = fired(
        has_fallback,
        facts.fell_back >= 15 && setup.fault.is_some_and(|it| it.1 == 1.0),
    );
    truth.alternate = (setup.alternate && truth.fallback == Some(true)).then_some(OTHER);
    truth.load_shedding = fired(setup.admits.is_some(), facts.shed >= 20);
    truth
}

/// There and fired; not there; or there, and nobody can know.
fn fired(there: bool, enough: bool) -> Option<bool> {
    match there {
        true => enough.then_some(true),
        false => Some(false),
    }
}

fn is_blackholed(setup: &Setup) -> bool {
    setup.fault.is_some_and(|it| it.0 == FaultKind::Blackhole)
}

fn truth_of_retry(truth: &mut Truth, setup: &Setup, facts: &Facts) {
    truth.retry = fired(
        setup.attempts > 1,
        facts.retries >= 8 || (setup.demand == Demand::Once && facts.retries >= 3),
    );
    if truth.retry != Some(true) {
        return;
    }
    if !can_be_told(setup) {
        // What a clock or inbound calls demand is known: that there are more attempts is seen.
        let counted = setup.inbound && setup.breaker.is_none() && setup.limit.is_none();
        truth.retry = (counted && facts.retries >= 40).then_some(true);
        return;
    }
    let whole = setup.deadline.is_none() && (!setup.breaker_inside || setup.breaker.is_none());
    if whole && (facts.exhausted >= 5 || setup.demand == Demand::Once) {
        truth.attempts = Some(setup.attempts);
        (truth.backoff, truth.base_ms, truth.multiplier) = setup.wait.schedule(setup.attempts);
        truth.jitter =
            (facts.retries >= 16 || setup.demand == Demand::Once).then(|| setup.wait.jitter());
    }
}

/// Where all requests are alike, calls overlap and waits scatter, nothing tells a retry from
/// outside; nor where a pause after each call is as long as a wait.
fn can_be_told(setup: &Setup) -> bool {
    let refused = setup.fault.is_some_and(|it| it.0 == FaultKind::Refuse);
    let told_by_request = setup.requests == Requests::Each && !refused;
    let scatters = matches!(
        setup.wait,
        Wait::Full(..) | Wait::Equal(..) | Wait::Around(..)
    );
    match setup.demand {
        _ if told_by_request => true,
        Demand::Workers {
            count,
            pause,
            threads,
            random,
        } if threads || count == 1 => {
            let waits =
                (1..setup.attempts).map(|failed| setup.wait.after(failed, &mut Chance::new(1)));
            let mut waits = waits.filter(|_| !scatters);
            let alike = waits.any(|wait| (pause - wait).abs() < (pause * 0.2).max(20.0));
            pause > 20.0 && !(scatters && random) && !alike
        }
        Demand::Once => true,
        // A clock's ticks, or inbound calls, tell which attempts are first ones.
        _ if setup.inbound || matches!(setup.demand, Demand::Ticks { .. }) => {
            let disturbed =
                setup.breaker.is_some() || setup.limit.is_some() || setup.throttle.is_some();
            !scatters
                && !disturbed
                && setup.wait != Wait::AtOnce
                && !matches!(setup.wait, Wait::Urllib3(_))
        }
        _ => false,
    }
}

fn truth_of_breaker(truth: &mut Truth, setup: &Setup) {
    let throttled = setup.throttle.as_ref();
    let Some(breaker) = &setup.breaker else {
        truth.circuit_breaker = fired(
            throttled.is_some(),
            throttled.is_some_and(|it| it.refused >= 60),
        );
        return;
    };
    let needed = if setup.inbound { 1 } else { 3 };
    let refused_each = f64::from(breaker.refused) / breaker.opened.len().max(1) as f64;
    let steady = matches!(
        setup.demand,
        Demand::Ticks { .. } | Demand::Workers { random: false, .. }
    );
    let due = if setup.inbound || steady { 9.0 } else { 25.0 };
    // From outside, waits nearly as long as it stays open look the same.
    let waits = !setup.inbound && setup.attempts > 1;
    let enough = breaker.opened.len() >= needed && refused_each >= due && !waits;
    truth.circuit_breaker = fired(true, enough);
    if enough {
        // Calls under way when it opens are made again after that, if it isn't asked for each.
        if setup.attempts == 1 || setup.breaker_inside {
            truth.open_ms = Some(breaker.open_ms);
            truth.opened_at_ns = breaker.opened.clone();
        }
        truth.probes =
            (breaker.opened.len() >= 3 && breaker.probes == 1 && setup.attempts == 1).then_some(1);
    }
}
