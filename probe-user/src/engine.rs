//! Composes the rest: the only place where kernel, model, game day and screen meet.

pub mod by_hand;
pub mod commands;
pub mod demo;
pub mod faults;
pub mod fingerprint;
pub mod game;
pub mod hosts;
pub mod injection;
pub mod last_calls;
pub mod metrics;
pub mod names;
pub mod observe;
pub mod picture;
pub mod place;
pub mod protection;
pub mod recorder;
pub mod replay;
pub mod run;
pub mod session;
pub mod signals;
pub mod survey;
pub mod tape;
pub mod target;
pub mod trail;
pub mod trends;
pub mod watch;
