//! Tells a verdict: to programs as JSON, to people as text.
//!
//! Both tell the same figures; neither judges any.

pub mod accounts;
pub mod blast;
pub mod calendar;
pub mod course;
pub mod escape;
pub mod fingerprint;
pub mod injection;
pub mod json;
pub mod map;
pub mod metrics;
pub mod observed;
pub mod patterns;
pub mod schema;
pub mod skeleton;
pub mod text;

#[cfg(test)]
mod tests;
