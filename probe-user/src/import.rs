//! Scenarios out of other tools' experiments: what they say is kept, and what can't be is told.

pub mod chaostoolkit;
