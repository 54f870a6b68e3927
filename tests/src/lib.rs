//! Fixtures and statistics for the tests beside this crate.
