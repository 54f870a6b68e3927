//! Steps whose faults act on the service's processes.

use super::{GOOD, Scenario, refused};

/// The scenario with its fault replaced.
fn with(step: &str, service: &str) -> String {
    const DELAY: &str =
        "on = \"payments\"\nfault = \"delay\"\ndelay = \"2s\"\njitter = \"200ms\"\n";
    assert!(GOOD.contains(DELAY));
    GOOD.replace("listen = 8080", service).replace(DELAY, step)
}

#[test]
fn they_are_on_the_service() {
    let step = "fault = \"kill\"\nsignal = \"TERM\"\nnear = \"service\"\n";
    let text = with(step, "process = \"shop\"");
    let scenario = Scenario::parse(&text, "x.toml").unwrap();
    assert_eq!(scenario.steps[0].label(), "checkout · kill with SIGTERM");
    let fault = scenario.steps[0].fault().unwrap();
    assert!(fault.is_near && fault.dependency.is_none());
    assert!(!fault.is_on("checkout"));
}

#[test]
fn every_mistake_is_told_with_its_line() {
    for (step, service, told) in [
        (
            "on = \"payments\"\nfault = \"pause\"\n",
            "listen = 8080",
            "27: on: pause acts on the service's processes\nhint: leave \"on\" out",
        ),
        (
            "fault = \"kill\"\n",
            "process = \"shop\"",
            "24: fault \"kill\": it acts on the service's processes\n\
             hint: add near = \"service\"",
        ),
        (
            "fault = \"kill\"\nnear = \"service\"\n",
            "listen = 8080",
            "28: near: the service has neither a process nor a cgroup\n\
             hint: add process = \"NAME\" or cgroup = \"PATH\" to [service]",
        ),
        (
            "fault = \"pause\"\nnear = \"service\"\ndirection = \"egress\"\n",
            "process = \"shop\"",
            "29: pause: it acts on processes, not on packets of a direction\n\
             hint: leave the direction out",
        ),
        (
            "fault = \"pause\"\nnear = \"service\"\nmax_packets = 3\n",
            "process = \"shop\"",
            "29: max_packets: it acts on processes, not on packets or connections\n\
             hint: leave it out",
        ),
    ] {
        assert_eq!(refused(&with(step, service)), format!("x.toml:{told}"));
    }
}
