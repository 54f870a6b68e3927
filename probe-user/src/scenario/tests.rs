//! The scenario that ships, and every way to break one.

use super::*;

mod processes;

const GOOD: &str = r#"name = "payments slow"
hypothesis = "checkout stays available"
time_box = "5m"

[service]
name = "checkout"
listen = 8080
netns = "shop"

[[dependency]]
name = "payments"
to = ["10.0.0.7:80"]
tier = "essential"

[[dependency]]
name = "inventory"
to = ["10.0.0.8:80"]

[steady_state]
for = "10s"
success_rate = ">= 99%"
p99 = "<= 400ms"

[[step]]
at = "0s"
for = "30s"
on = "payments"
fault = "delay"
delay = "2s"
jitter = "200ms"

[[step]]
at = "5s"
run = ["true"]

[expect]
success_rate = ">= 99%"
p99 = "<= 1s"
blast_radius = "<= 5%"
recovery = "<= 10s"

[abort]
success_rate = "< 50% for 5s"
p99 = "> 5s for 5s"
"#;

fn refused(text: &str) -> String {
    match Scenario::parse(text, "x.toml") {
        Ok(_) => "accepted".to_owned(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_whole_scenario_is_read() {
    let scenario = Scenario::parse(GOOD, "x.toml").unwrap();
    assert_eq!(scenario.time_box, Duration::from_secs(300));
    assert_eq!(scenario.service.listen, Some(8080));
    assert_eq!(scenario.dependencies[1].tier, Tier::Essential);
    assert_eq!(scenario.steps[0].label(), "payments · delay 2s ±200ms");
    assert_eq!(scenario.steps[0].line, 24);
    assert_eq!(scenario.steps[1].label(), "true");
    let fault = scenario.steps[0].fault().unwrap();
    assert_eq!(
        (fault.dependency, fault.direction),
        (Some(0), Direction::Egress)
    );
    assert_eq!(scenario.expect.p99.unwrap().to_string(), "<= 1s");
    assert_eq!(scenario.abort.p99.unwrap().to_string(), "> 5s for 5s");
    assert_eq!(scenario.steps_end(), Duration::from_secs(30));
}

#[test]
fn what_no_fault_is_to_touch_is_read() {
    let text = GOOD.replacen('\n', "\nprotect = [\"10.0.0.9:80\", \":8443\"]\n", 1);
    let scenario = Scenario::parse(&text, "x.toml").unwrap();
    let protect: Vec<_> = scenario.protect.iter().map(ToString::to_string).collect();
    assert_eq!(protect, ["10.0.0.9:80", ":8443"]);
}

#[test]
fn a_step_may_be_for_the_service_alone() {
    let text = GOOD
        .replace("listen = 8080", "process = \"shop\"")
        .replacen(
            "fault = \"delay\"\ndelay = \"2s\"\njitter = \"200ms\"",
            "fault = \"limit-connections\"\nlimit_connections = 10\nnear = \"service\"",
            1,
        );
    let scenario = Scenario::parse(&text, "x.toml").unwrap();
    assert!(scenario.steps[0].fault().unwrap().is_near);
    assert_eq!(
        scenario.steps[0].label(),
        "payments · limit-connections 10, then ECONNREFUSED, for the service alone"
    );
    let scenario = Scenario::parse(GOOD, "x.toml").unwrap();
    assert!(!scenario.steps[0].fault().unwrap().is_near);
}

#[test]
fn the_demos_scenario_is_valid_and_short() {
    let text = include_str!("../../../scenarios/payments-slow.toml");
    let scenario = Scenario::parse(text, "payments-slow.toml").unwrap();
    let recovery = scenario.expect.recovery.unwrap().limit;
    let longest = scenario.steps_end() + scenario.steady_state.duration * 2 + recovery;
    assert!(longest < Duration::from_secs(75), "{longest:?}");
}

#[test]
fn other_faults_and_defaults_are_read() {
    let step = |lines: &str| {
        let text = GOOD.replace(
            "fault = \"delay\"\ndelay = \"2s\"\njitter = \"200ms\"",
            lines,
        );
        let scenario = Scenario::parse(&text, "x.toml").unwrap_or_else(|e| panic!("{e}"));
        let fault = scenario.steps[0].fault().unwrap().clone();
        (fault.words(), fault.direction)
    };
    for (lines, words, direction) in [
        (
            "fault = \"loss\"\nloss = \"20%\"",
            "loss 20%",
            Direction::Egress,
        ),
        (
            "fault = \"corrupt\"\ncorrupt = \"0.5%\"",
            "corrupt 0.5%",
            Direction::Egress,
        ),
        (
            "fault = \"corrupt\"\ncorrupt = \"5%\"\nmode = \"payload\"",
            "corrupt 5% payload",
            Direction::Egress,
        ),
        (
            "fault = \"blackhole\"\ndirection = \"both\"",
            "blackhole",
            Direction::Both,
        ),
        (
            "fault = \"partition\"\npulse = \"5s/1s\"\npercent_of_flows = \"30%\"",
            "partition, pulse 5s/1s, percent of flows 30%",
            Direction::Both,
        ),
        (
            "fault = \"loss\"\ngilbert_elliott = \"1%,10%\"\nmax_packets = 100\nramp = \"2s\"",
            "loss in bursts 1%,10%, ramp 2s, max packets 100",
            Direction::Egress,
        ),
        (
            "fault = \"rate\"\nrate = \"1mbit\"\nburst = \"64kb\"",
            "rate 1mbit, burst 64kb",
            Direction::Egress,
        ),
    ] {
        assert_eq!(step(lines), (words.to_owned(), direction));
    }
    let minimal = "name = \"x\"\n[service]\nprocess = 12\n[steady_state]\np99 = \"< 1s\"\n\
                   [[step]]\nat = \"0s\"\nrun = [\"true\"]\n";
    let scenario = Scenario::parse(minimal, "x.toml").unwrap();
    assert_eq!(scenario.service.name, "12");
    assert_eq!(scenario.steady_state.duration, Duration::from_secs(10));
    assert_eq!(scenario.expect, Expect::default());
}

/// What is replaced in the good scenario, by what, and what is then said.
const BROKEN: &[(&str, &str, &str)] = &[
    (
        "time_box = \"5m\"",
        "protect = [\"10.0.0.9:0\"]",
        "3: protect: \"0\" is no port, in endpoint \"10.0.0.9:0\"\nhint: ports go from 1 to 65535; \
         leave it out for all of them",
    ),
    (
        "time_box = \"5m\"",
        "unprotect = [\"ssh\"]",
        "3: unknown key \"unprotect\" in the scenario\nhint: did you mean \"protect\"?",
    ),
    (
        "to = [\"10.0.0.7:80\"]",
        "to = [\"0.0.0.0/1\", \"128.0.0.0/1\"]",
        "27: on: dependency \"payments\" is everything there is\nhint: name its hosts, networks or \
         port in \"to\"",
    ),
    // Keys.
    (
        "success_rate = \">= 99%\"\np99 = \"<= 400ms\"",
        "sucess_rate = \">= 99%\"\np99 = \"<= 400ms\"",
        "21: unknown key \"sucess_rate\" in [steady_state]\nhint: did you mean \"success_rate\"?",
    ),
    (
        "hypothesis",
        "hypotesis",
        "2: unknown key \"hypotesis\" in the scenario\nhint: did you mean \"hypothesis\"?",
    ),
    (
        "[abort]",
        "[abrot]",
        "42: unknown key \"abrot\" in the scenario\nhint: did you mean \"abort\"?",
    ),
    (
        "listen = 8080",
        "colour = 8080",
        "7: unknown key \"colour\" in [service]\n\
         hint: known here: name, listen, process, cgroup, netns",
    ),
    (
        "jitter =",
        "jiter =",
        "30: unknown key \"jiter\" in [[step]] 1\nhint: did you mean \"jitter\"?",
    ),
    (
        "tier = \"essential\"",
        "teir = \"essential\"",
        "13: unknown key \"teir\" in [[dependency]] 1\nhint: did you mean \"tier\"?",
    ),
    (
        "blast_radius",
        "blast-radius",
        "39: unknown key \"blast-radius\" in [expect]\nhint: did you mean \"blast_radius\"?",
    ),
    // What is missing.
    (
        "name = \"payments slow\"\n",
        "",
        "1: \"name\" is missing in the scenario\nhint: write name = \"payments slow\"",
    ),
    (
        "at = \"0s\"\n",
        "",
        "24: \"at\" is missing in [[step]] 1\nhint: write at = \"0s\"",
    ),
    (
        "for = \"30s\"\n",
        "",
        "24: \"for\" is missing in [[step]] 1\nhint: write for = \"30s\"",
    ),
    (
        "on = \"payments\"\n",
        "",
        "24: \"on\" is missing in [[step]] 1\nhint: write on = \"NAME OF A DEPENDENCY\"",
    ),
    (
        "delay = \"2s\"\n",
        "",
        "28: fault \"delay\": DURATION is missing\nhint: add delay = \"200ms\"",
    ),
    (
        "fault = \"delay\"\n",
        "fault = \"dealy\"\n",
        "28: unknown fault \"dealy\"\nhint: did you mean \"delay\"?",
    ),
    (
        "jitter = \"200ms\"",
        "only = \"old\"",
        "30: only: unknown \"old\"\nhint: known here: new, established",
    ),
    (
        "jitter = \"200ms\"",
        "near = \"service\"",
        "30: near: the service has neither a process nor a cgroup\n\
         hint: add process = \"NAME\" or cgroup = \"PATH\" to [service]",
    ),
    (
        "jitter = \"200ms\"",
        "signal = \"TERM\"",
        "30: signal: doesn't belong to delay\nhint: it belongs to kill",
    ),
    (
        "jitter = \"200ms\"",
        "ramp = 5",
        "30: ramp: 5 has no unit\nhint: write 5ms or 5s, in quotes",
    ),
    (
        "jitter = \"200ms\"",
        "pulse = \"5s\"",
        "30: pulse: \"5s\" is not two durations\n\
         hint: write for how long it holds and pauses, as 5s/5s",
    ),
    (
        "jitter = \"200ms\"",
        "max_packets = \"100\"",
        "30: \"max_packets\" in [[step]] 1 is a text\nhint: it has to be a number, as 100",
    ),
    (
        "jitter = \"200ms\"",
        "max_packets = 0",
        "30: max_packets: 0 would touch no packet\nhint: write 1 or more",
    ),
    (
        "jitter = \"200ms\"",
        "distribution = \"normal\"",
        "30: distribution: means nothing without jitter\nhint: add jitter = \"50ms\"",
    ),
    (
        "jitter = \"200ms\"",
        "jitter = \"200ms\"\ndistribution = \"norml\"",
        "31: distribution: unknown \"norml\"\nhint: did you mean \"normal\"?",
    ),
    (
        "fault = \"delay\"\ndelay = \"2s\"\njitter = \"200ms\"\n",
        "fault = \"partition\"\ndirection = \"egress\"\n",
        "29: partition: its direction is both, not egress\nhint: leave the direction out",
    ),
    (
        "recovery = \"<= 10s\"",
        "undeclared_dependencies = -1",
        "40: undeclared_dependencies: -1 is no count\nhint: write 0: none is expected",
    ),
    (
        "recovery = \"<= 10s\"",
        "undeclared_dependencies = \"0\"",
        "40: \"undeclared_dependencies\" in [expect] is a text\n\
         hint: it has to be a number, as 0",
    ),
    (
        "[abort]",
        "[[expect.pattern]]\non = \"payments\"\n\n[abort]",
        "42: [[expect.pattern]] 1 names no pattern\n\
         hint: add one of timeout, retry, circuit_breaker, bulkhead, fallback, load_shedding",
    ),
    (
        "[abort]",
        "[[expect.pattern]]\non = \"payment\"\ntimeout = \"<= 1s\"\n\n[abort]",
        "43: on: unknown \"payment\"\nhint: did you mean \"payments\"?",
    ),
    (
        "[abort]",
        "[[expect.pattern]]\non = \"payments\"\ntimeout = \">= 1s\"\n\n[abort]",
        "44: timeout: \">= 1s\" faces the wrong way\nhint: write \"<= 1s\"",
    ),
    (
        "[abort]",
        "[[expect.pattern]]\non = \"payments\"\nretry = { atempts = \"<= 3\" }\n\n[abort]",
        "44: unknown key \"atempts\" in [retry]\nhint: did you mean \"attempts\"?",
    ),
    (
        "[abort]",
        "[[expect.pattern]]\non = \"payments\"\nretry = { jitter = \"full\" }\n\n[abort]",
        "44: \"jitter\" in [retry] is a text\nhint: it has to be true or false",
    ),
    (
        "[abort]",
        "[[expect.pattern]]\non = \"payments\"\nbulkhead = { isolates = [\"inventry\"] }\n\n[abort]",
        "44: isolates: unknown \"inventry\"",
    ),
    // What isn't TOML.
    (
        "netns = \"shop\"",
        "netns = \"shop",
        "8: not TOML: invalid basic string, expected `\"`",
    ),
    (
        "netns = \"shop\"",
        "netns = \"shop\"\nlisten = 1",
        "9: not TOML: the key \"listen\" is there twice",
    ),
    (
        "[expect]",
        "step = 5\n[expect]",
        "36: unknown key \"step\" in [[step]] 2\nhint: known here: ",
    ),
];

#[test]
fn every_mistake_is_told_with_its_line() {
    let mut wrong = Vec::new();
    for (from, to, said) in BROKEN {
        assert!(GOOD.contains(from), "not in the good scenario: {from}");
        let told = refused(&GOOD.replacen(from, to, 1));
        if !told.starts_with(&format!("x.toml:{said}")) {
            wrong.push(format!("{to}\n  said     {told:?}\n  expected {said:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_no_scenario_at_all_is_told_too() {
    for (text, said) in [
        ("", "x.toml:1: \"name\" is missing in the scenario"),
        ("\u{0}", "x.toml:1: not TOML: "),
        (
            "name = \"x\"\nservice = 5",
            "x.toml:2: \"service\" in the scenario is a number",
        ),
        (
            "name = \"x\"\n[service]\nlisten = 1\n[steady_state]\np99 = \"< 1s\"\n",
            "x.toml:1: there is no step",
        ),
        (
            "name = \"x\"\n[service]\nlisten = 1\n[steady_state]\np99 = \"< 1s\"\n[step]\n",
            "x.toml:6: \"step\" in the scenario is a table\n\
             hint: it has to be a list of tables, each under [[step]]",
        ),
        (
            "name = \"x\"\n[service]\nlisten = 1\n[steady_state]\np99 = \"< 1s\"\n[[step]]\n\
             at = \"0s\"\nfor = \"1s\"\non = \"y\"\nfault = \"blackhole\"\n",
            "x.toml:9: on: there is no dependency \"y\"\nhint: add it as a [[dependency]]",
        ),
    ] {
        let told = refused(text);
        assert!(told.starts_with(said), "{text:?}\n{told}");
    }
}

#[test]
fn no_cut_of_a_scenario_makes_it_panic() {
    for end in 0..GOOD.len() {
        let _ = Scenario::parse(&GOOD[..end], "x.toml");
        let _ = Scenario::parse(&GOOD[end..], "x.toml");
    }
}
