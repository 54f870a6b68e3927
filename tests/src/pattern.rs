//! Resilience patterns, by the names that they have in JSON.

/// All that probe tells of.
pub const PATTERNS: [&str; 6] = [
    "timeout",
    "retry",
    "circuit_breaker",
    "bulkhead",
    "fallback",
    "load_shedding",
];
