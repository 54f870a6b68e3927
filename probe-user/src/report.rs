//! Tells a verdict: to programs as JSON, to people as text.
//!
//! Both tell the same figures; neither judges any.

pub mod accounts;
pub mod blast;
pub mod calendar;
pub mod course;
pub mod escape;
pub mod fingerprint;
pub mod history;
pub mod html;
pub mod injection;
pub mod json;
pub mod junit;
pub mod map;
pub mod markdown;
pub mod metrics;
pub mod observed;
pub mod occasion;
pub mod patterns;
pub mod runbook;
pub mod schema;
pub mod skeleton;
pub mod text;

/// Stands near the beginning of each report that is a file: one that has it may be replaced.
pub const MARK: &str = "written by probe";

#[cfg(test)]
pub mod tests;
