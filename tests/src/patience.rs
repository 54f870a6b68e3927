//! Waiting for something to become true: looking again and again until a deadline, never a fixed
//! sleep in the hope that it will do.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};

/// Longer than anything here takes on a busy machine.
pub const LONG: Duration = Duration::from_secs(30);

/// How long between two looks.
const PAUSE: Duration = Duration::from_millis(2);

/// Looks until `condition` gives a value, and returns it.
///
/// # Errors
/// Once `patience` is over, naming `what` was waited for; what `condition` fails with, at once.
pub fn wait_for<T>(
    what: &str,
    patience: Duration,
    mut condition: impl FnMut() -> Result<Option<T>>,
) -> Result<T> {
    let since = Instant::now();
    loop {
        if let Some(value) = condition()? {
            return Ok(value);
        }
        if since.elapsed() > patience {
            bail!("waited {patience:?} in vain for {what}");
        }
        thread::sleep(PAUSE);
    }
}

/// Looks until `condition` holds.
///
/// # Errors
/// Once `patience` is over, naming `what` was waited for.
pub fn wait_until(
    what: &str,
    patience: Duration,
    mut condition: impl FnMut() -> bool,
) -> Result<()> {
    wait_for(what, patience, || Ok(condition().then_some(())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_no_longer_than_it_must() {
        let mut looks = 0;
        let looked = wait_until("the third look", LONG, || {
            looks += 1;
            looks == 3
        });
        assert!(looked.is_ok());
        let error = wait_until("godot", Duration::from_millis(5), || false).unwrap_err();
        assert_eq!(error.to_string(), "waited 5ms in vain for godot");
    }
}
