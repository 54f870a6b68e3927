//! The keys of each section, written once: the reader goes by them, and the format's schema is held
//! against them.

/// Of the file itself.
pub const TOP: &[&str] = &[
    "name",
    "hypothesis",
    "time_box",
    "protect",
    "service",
    "dependency",
    "steady_state",
    "step",
    "expect",
    "abort",
];
/// Of `[service]`.
pub const SERVICE: &[&str] = &["name", "listen", "process", "cgroup", "netns"];
/// Of `[[dependency]]`.
pub const DEPENDENCY: &[&str] = &["name", "to", "tier"];
/// Of `[steady_state]`.
pub const STEADY_STATE: &[&str] = &["for", "success_rate", "p99"];
/// Of `[[step]]`, beside the arguments of its fault.
pub const STEP: &[&str] = &[
    "at",
    "for",
    "on",
    "fault",
    "direction",
    "near",
    "proto",
    "seed",
    "run",
];
/// Those of them that a command has as well.
pub const COMMAND: &[&str] = &["at", "run"];
/// Of `[expect]`.
pub const EXPECT: &[&str] = &[
    "success_rate",
    "p99",
    "blast_radius",
    "recovery",
    "undeclared_dependencies",
    "pattern",
];
/// Of `[[expect.pattern]]`: whose, and the patterns.
pub const PATTERN: &[&str] = &[
    "on",
    "timeout",
    "retry",
    "circuit_breaker",
    "bulkhead",
    "fallback",
    "load_shedding",
];
/// Of `retry` in it.
pub const RETRY: &[&str] = &["attempts", "backoff", "jitter", "amplification"];
/// Of `circuit_breaker` in it.
pub const BREAKER: &[&str] = &["opens_within", "recloses_within"];
/// Of `bulkhead` in it.
pub const BULKHEAD: &[&str] = &["limit", "isolates"];
/// Of `fallback` in it.
pub const FALLBACK: &[&str] = &["success_rate"];
/// Of `load_shedding` in it.
pub const LOAD_SHEDDING: &[&str] = &["shed_rate"];
/// Of `[abort]`.
pub const ABORT: &[&str] = &["success_rate", "p99"];

/// Every key that a step may have.
pub fn of_steps() -> Vec<String> {
    let own = STEP.iter().map(|key| (*key).to_owned());
    own.chain(super::fault::keys()).collect()
}
