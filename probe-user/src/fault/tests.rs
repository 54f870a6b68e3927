//! Each fault as it is typed, told, written into a rule and read from it again.

use std::collections::BTreeMap;

use probe_common::rule::NamePattern;

use super::*;
use crate::plan::Share;

/// Arguments out of a list of names and values.
struct Given(BTreeMap<&'static str, &'static str>);

impl Arguments for Given {
    type Error = String;

    fn read<T>(
        &self,
        argument: &Argument,
        parse: impl Fn(&str) -> Result<T, Mistake>,
    ) -> Result<Option<T>, String> {
        let value = self.0.get(argument.name);
        let parsed = value.map(|text| parse(text)).transpose();
        parsed.map_err(|mistake| self.error(About::Argument(argument), mistake))
    }

    fn has(&self, argument: &Argument) -> bool {
        self.0.contains_key(argument.name)
    }

    fn shown(&self, argument: &Argument) -> String {
        argument.name.to_owned()
    }

    fn written(&self, argument: &Argument) -> String {
        format!("write {} {}", argument.name, argument.example)
    }

    fn error(&self, about: About<'_>, mistake: Mistake) -> String {
        match about {
            About::Argument(argument) => mistake.in_place(argument.name).to_string(),
            About::Name | About::Fault => mistake.to_string(),
        }
    }
}

fn read(line: &'static str) -> Result<(Fault, Modifiers), String> {
    let mut words = line.split(' ');
    let name = words.next().unwrap_or_default();
    let pairs = words.map(|word| word.split_once('=').unwrap());
    let given = Given(pairs.collect());
    let fault = Fault::read(name, &given)?;
    Ok((fault, Modifiers::read(&fault, &given)?))
}

/// What is given, how it is typed, how it is read by people.
const GOOD: &[(&str, &str, &str)] = &[
    ("delay delay=200ms", "200ms", "delay 200ms"),
    (
        "delay delay=2s jitter=200ms",
        "2s --jitter 200ms",
        "delay 2s ±200ms",
    ),
    (
        "delay delay=2s jitter=200ms distribution=paretonormal correlation=25%",
        "2s --jitter 200ms --distribution paretonormal --correlation 25%",
        "delay 2s ±200ms paretonormal, correlation 25%",
    ),
    (
        "delay delay=2s jitter=1s distribution=uniform",
        "2s --jitter 1s",
        "delay 2s ±1s",
    ),
    ("loss loss=10%", "10%", "loss 10%"),
    ("loss loss=100%", "100%", "loss 100%"),
    ("loss loss=0%", "0%", "loss 0%"),
    (
        "loss loss=0.1% correlation=25%",
        "0.1% --correlation 25%",
        "loss 0.1%, correlation 25%",
    ),
    (
        "loss gilbert-elliott=1%,10%",
        "--gilbert-elliott 1%,10%",
        "loss in bursts 1%,10%",
    ),
    (
        "loss gilbert-elliott=30%",
        "--gilbert-elliott 30%,70%",
        "loss in bursts 30%,70%",
    ),
    (
        "loss gilbert-elliott=1%,10%,80%,0.1%",
        "--gilbert-elliott 1%,10%,80%,0.1%",
        "loss in bursts 1%,10%,80%,0.1%",
    ),
    ("corrupt corrupt=5%", "5%", "corrupt 5%"),
    (
        "corrupt corrupt=5% mode=payload",
        "5% --mode payload",
        "corrupt 5% payload",
    ),
    ("duplicate duplicate=5%", "5%", "duplicate 5%"),
    ("reorder reorder=10%", "10%", "reorder 10% by 20ms"),
    (
        "reorder reorder=10% by=1ms",
        "10% --by 1ms",
        "reorder 10% by 1ms",
    ),
    ("rate rate=1mbit", "1mbit", "rate 1mbit"),
    (
        "rate rate=3mbit burst=64kb",
        "3mbit --burst 64kb",
        "rate 3mbit, burst 64kb",
    ),
    ("rate rate=100gbit", "100gbit", "rate 100gbit"),
    ("partition", "", "partition"),
    ("blackhole", "", "blackhole"),
    ("refuse", "", "refuse with ECONNREFUSED"),
    (
        "refuse errno=ETIMEDOUT",
        "--errno ETIMEDOUT",
        "refuse with ETIMEDOUT",
    ),
    (
        "limit-connections limit-connections=3",
        "3",
        "limit-connections 3, then ECONNREFUSED",
    ),
    (
        "limit-connections limit-connections=10 errno=EADDRNOTAVAIL",
        "10 --errno EADDRNOTAVAIL",
        "limit-connections 10, then EADDRNOTAVAIL",
    ),
    ("pause", "", "pause"),
    ("kill", "", "kill with SIGKILL"),
    ("kill signal=KILL", "", "kill with SIGKILL"),
    ("kill signal=TERM", "--signal TERM", "kill with SIGTERM"),
    ("reset", "", "reset"),
    ("reset reset=10%", "10%", "reset 10%"),
    ("http-status status=503", "503", "http-status 503"),
    (
        "http-status status=429 share=20%",
        "429 20%",
        "http-status 429 20%",
    ),
    ("dns dns=timeout", "timeout", "dns timeout"),
    (
        "dns dns=nxdomain name=*.Internal.",
        "nxdomain --name *.internal",
        "dns nxdomain for *.internal",
    ),
    (
        "dns dns=refused name=api-*.shop",
        "refused --name api-*.shop",
        "dns refused for api-*.shop",
    ),
    (
        "dns dns=servfail name=payments",
        "servfail --name payments",
        "dns servfail for payments",
    ),
];

#[test]
fn each_fault_reads_as_it_was_given() {
    for (given, typed, words) in GOOD {
        let (fault, modifiers) = read(given).unwrap_or_else(|told| panic!("{given}: {told}"));
        assert_eq!(fault.arguments(), *typed, "{given}");
        assert_eq!(fault.to_string(), *words, "{given}");
        assert_eq!(modifiers, Modifiers::default());
    }
    for kind in KINDS {
        assert!(GOOD.iter().any(|(given, ..)| given.starts_with(kind.name)));
    }
}

#[test]
fn what_was_encoded_reads_the_same() {
    for (given, ..) in GOOD {
        let (fault, _) = read(given).unwrap();
        let direction = fault.direction(None).unwrap();
        let mut rule = FaultRule {
            direction: if direction == Direction::Both { 3 } else { 1 },
            ..FaultRule::default()
        };
        fault.encode(&mut rule);
        let decoded = Fault::decode(&rule).unwrap();
        assert_eq!(decoded.to_string(), fault.to_string());
        assert_eq!(decoded.arguments(), fault.arguments());
    }
    assert_eq!(Fault::decode(&FaultRule::default()), None);
}

#[test]
fn what_the_kernel_reckons_with_is_exact() {
    let rule = |given| {
        let mut rule = FaultRule::default();
        read(given).unwrap().0.encode(&mut rule);
        rule
    };
    let rate = rule("rate rate=1mbit burst=64kb");
    assert_eq!(
        (rate.byte_cost, rate.burst_ns),
        (8_000 << 16, 65_536 * 8_000)
    );
    let bursts = rule("loss gilbert-elliott=50%,25%");
    assert_eq!(bursts.bursts, [1 << 31, 1 << 30, u32::MAX, 0]);
    let delay = rule("delay delay=1s jitter=1ms distribution=normal correlation=50%");
    assert_eq!((delay.distribution, delay.correlation), (1, 1 << 31));
    assert_eq!(rule("reorder reorder=50%").delay_ns, 20_000_000);
    let status = rule("http-status status=503");
    assert_eq!((status.status, status.probability), (503, u32::MAX));
    for (code, number) in ["dns dns=nxdomain", "dns dns=servfail", "dns dns=refused"]
        .into_iter()
        .zip([3, 2, 5])
    {
        assert_eq!(rule(code).status, number, "{code}");
        assert_eq!(rule(code).name, NamePattern::ANY);
    }
    let name = rule("dns dns=timeout name=api-*.shop").name;
    assert_eq!((name.prefix, name.suffix, name.starred), (4, 5, 1));
    assert_eq!(&name.text[..10], b"api-.shop\0");
    let name = rule("dns dns=timeout name=shop").name;
    assert_eq!((name.prefix, name.suffix, name.starred), (4, 0, 0));
}

#[test]
fn modifiers_are_read_told_and_written() {
    let given = "duplicate duplicate=5% ramp=30s pulse=5s/1m percent-of-flows=30% max-packets=100 \
                 max-flows=10 only=new";
    let (fault, modifiers) = read(given).unwrap();
    assert_eq!(
        modifiers.arguments(),
        "--ramp 30s --pulse 5s/1m --percent-of-flows 30% --max-packets 100 --max-flows 10 --only new"
    );
    assert_eq!(
        format!("{fault}{modifiers}"),
        "duplicate 5%, ramp 30s, pulse 5s/1m, percent of flows 30%, max packets 100, \
         max flows 10, only new"
    );
    let mut rule = FaultRule::default();
    modifiers.encode(&mut rule);
    assert_eq!(rule.pulse_off_ns, 60_000_000_000);
    assert_eq!(rule.flow_share, Share::new(0.3).unwrap().parts());
    let decoded = Modifiers::decode(&rule);
    assert_eq!(decoded.arguments(), modifiers.arguments());
    Modifiers::default().encode(&mut rule);
    assert_eq!((rule.flow_share, rule.max_packets), (u32::MAX, 0));
}

/// What is given, and what is then said.
const BROKEN: &[(&str, &str)] = &[
    (
        "dealy",
        "unknown fault \"dealy\"\nhint: did you mean \"delay\"?",
    ),
    (
        "pause signal=TERM",
        "signal: doesn't belong to pause\nhint: it belongs to kill",
    ),
    (
        "kill signal=HUP",
        "signal: unknown \"HUP\"\nhint: known here: KILL, TERM",
    ),
    (
        "kill pulse=1s/1s",
        "pulse: each process gets the signal once\nhint: leave it out",
    ),
    (
        "pause max-packets=1",
        "max-packets: it acts on processes, not on packets or connections\nhint: leave it out",
    ),
    (
        "pause ramp=1s",
        "ramp: it acts on processes, not on packets or connections\nhint: leave it out",
    ),
    ("delay", "DURATION is missing\nhint: write delay 200ms"),
    ("delay delay=0s", "delay: no packet would wait"),
    (
        "delay delay=1h",
        "delay: 1h is longer than a packet can wait\n\
             hint: write 30m or less; blackhole keeps packets for good",
    ),
    (
        "delay delay=1s jitter=2s",
        "jitter: is more than the delay itself\n\
          hint: no packet can arrive before it was sent",
    ),
    (
        "delay delay=1s jitter=1s distribution=gauss",
        "distribution: unknown \"gauss\"\n\
          hint: known here: uniform, normal, pareto, paretonormal",
    ),
    (
        "delay delay=1s jitter=1s correlation=100%",
        "correlation: 100% would decide once for all \
          packets\nhint: write 99% or less",
    ),
    (
        "loss loss=0.00000001%",
        "loss: 0.00000001% would touch no packet\n\
         hint: write 0.000001% or more; or 0%, if none is meant",
    ),
    (
        "loss gilbert-elliott=1",
        "gilbert-elliott: 1 has no unit\nhint: write 1%",
    ),
    (
        "loss gilbert-elliott=0%,10%",
        "gilbert-elliott: 0%,10% would touch no packet\n\
          hint: write 1%,10%",
    ),
    (
        "loss gilbert-elliott=1%,1%,1%,1%,1%",
        "gilbert-elliott: \"1%,1%,1%,1%,1%\" has more than \
          four shares\nhint: write p,r,1-h,1-k, as 1%,10%,100%,0%",
    ),
    (
        "loss loss=1% gilbert-elliott=1%",
        "gilbert-elliott: loss belongs to another model of \
          loss\nhint: leave one of them out",
    ),
    (
        "corrupt corrupt=5% mode=air",
        "mode: unknown \"air\"\nhint: known here: wire, payload",
    ),
    (
        "duplicate duplicate=5% by=1ms",
        "by: doesn't belong to duplicate\n\
          hint: it belongs to reorder",
    ),
    (
        "duplicate duplicate=5% correlation=1%",
        "correlation: doesn't belong to duplicate\n\
          hint: it belongs to delay and loss",
    ),
    ("reorder reorder=5% by=0s", "by: no packet would wait"),
    (
        "rate rate=1mb",
        "rate: \"1mb\" is not a rate\nhint: units are bit, kbit, mbit, gbit",
    ),
    (
        "rate rate=1bit",
        "rate: 1bit is too slow\n\
          hint: write 1kbit or more, or blackhole for nothing at all",
    ),
    (
        "rate rate=1mbit burst=0kb",
        "burst: nothing would ever go at once\nhint: write 16kb",
    ),
    (
        "partition ramp=1s",
        "ramp: there is no less and more of this fault\n\
          hint: loss 100% can grow over a ramp",
    ),
    ("loss loss=1% ramp=0s", "ramp: 0s is no time at all"),
    ("loss loss=1% ramp=2h", "ramp: 2h is longer than an hour"),
    ("loss loss=1% pulse=5s/0s", "pulse: 0s is no time at all"),
    (
        "loss loss=1% percent-of-flows=0%",
        "percent-of-flows: 0% would touch no connection",
    ),
    (
        "http-status status=204",
        "status: 204 says that there is no body, and there may be one\n\
         hint: write 503, or another status that can have a body",
    ),
    (
        "http-status status=100",
        "status: 100 is no status of an answer\nhint: write 503, or another from 200 to 599",
    ),
    ("http-status", "STATUS is missing\nhint: write status 503"),
    ("dns", "ANSWER is missing\nhint: write dns nxdomain"),
    (
        "dns dns=nxdomain ramp=5s",
        "ramp: there is no less and more of this fault\n\
         hint: loss 100% can grow over a ramp",
    ),
    (
        "dns dns=nxdomian",
        "dns: unknown \"nxdomian\"\nhint: did you mean \"nxdomain\"?",
    ),
    (
        "dns dns=nxdomain name=a*b*",
        "name: \"a*b*\" has more than one *\nhint: write one, as in *.internal or payments.*",
    ),
    (
        "dns dns=nxdomain name=a..b",
        "name: \"a..b\": a part is empty or longer than 63\n\
         hint: write payments.internal or *.internal",
    ),
    (
        "dns dns=nxdomain name=a?",
        "name: \"a?\": '?' is in no name\n\
         hint: letters, digits, -, _ and . are, and one * stands for anything",
    ),
    (
        "dns dns=nxdomain name=büro",
        "name: \"büro\": 'ü' is in no name\n\
         hint: write it as it is asked for, in punycode: xn--...",
    ),
    (
        "loss loss=1% max-packets=-1",
        "max-packets: -1 is negative\nhint: write a count, as 100",
    ),
    (
        "loss loss=1% only=old",
        "only: unknown \"old\"\nhint: known here: new, established",
    ),
    (
        "refuse only=new",
        "only: every connection is new when it is made\nhint: leave it out",
    ),
    (
        "refuse ramp=1s",
        "ramp: there is no less and more of this fault\n\
          hint: loss 100% can grow over a ramp",
    ),
    (
        "refuse errno=EPERM",
        "errno: unknown \"EPERM\"\nhint: known here: ECONNREFUSED, ETIMEDOUT, EHOSTUNREACH, \
          ENETUNREACH, EADDRNOTAVAIL",
    ),
    (
        "limit-connections limit-connections=0",
        "limit-connections: 0 would refuse every connection\nhint: that is what refuse does",
    ),
    (
        "limit-connections",
        "N is missing\nhint: write limit-connections 3",
    ),
];

#[test]
fn what_cannot_be_is_refused_with_its_reason() {
    for (given, told) in BROKEN {
        assert_eq!(read(given).err().as_deref(), Some(*told), "{given}");
    }
}

#[test]
fn a_partition_has_both_directions_whatever_else_is_asked() {
    let (partition, _) = read("partition").unwrap();
    assert_eq!(partition.direction(None), Ok(Direction::Both));
    assert_eq!(
        partition.direction(Some(Direction::Both)),
        Ok(Direction::Both)
    );
    let mistake = partition.direction(Some(Direction::Egress)).unwrap_err();
    assert_eq!(
        mistake.message,
        "partition: its direction is both, not egress"
    );
    let (status, _) = read("http-status status=503").unwrap();
    assert_eq!(status.direction(None), Ok(Direction::Ingress));
    let egress = Some(Direction::Egress);
    assert_eq!(status.direction(egress), Ok(Direction::Egress));
    let (blackhole, _) = read("blackhole").unwrap();
    assert_eq!(blackhole.direction(None), Ok(Direction::Egress));
    assert_eq!(
        blackhole.direction(Some(Direction::Ingress)),
        Ok(Direction::Ingress)
    );
}
