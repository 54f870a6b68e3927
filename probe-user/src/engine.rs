//! Composes the rest: the only place where kernel, model, game day and screen meet.

pub mod injection;
pub mod survey;
