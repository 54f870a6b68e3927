//! Clients whose behaviour is known, held against what probe says of them. Shares no code with the
//! detectors.

pub mod case;
mod client;
mod recording;
pub mod score;
pub mod trial;
