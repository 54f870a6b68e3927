//! Tells a verdict: to programs as JSON, to people as text.
//!
//! Both tell the same figures; neither judges any.

pub mod accounts;
pub mod blast;
pub mod injection;
pub mod json;
pub mod observed;
pub mod text;

#[cfg(test)]
mod tests;
