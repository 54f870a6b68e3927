//! Taking turns: `probe stop` ends the faults of the whole host, so who tries it has to be alone.

use std::{env, fs::File};

use anyhow::{Context, Result};

/// The right to arm faults, or to end everybody's. Given back when dropped.
#[derive(Debug)]
pub struct Turn {
    _locked: File,
}

impl Turn {
    /// Waits until nobody is alone, then arms along with others.
    ///
    /// # Errors
    /// Where the lock can't be had.
    pub fn together() -> Result<Self> {
        let file = open()?;
        file.lock_shared().context("waiting for a turn")?;
        Ok(Self { _locked: file })
    }

    /// Waits until nobody else has a fault armed.
    ///
    /// # Errors
    /// Where the lock can't be had.
    pub fn alone() -> Result<Self> {
        let file = open()?;
        file.lock().context("waiting to be alone")?;
        Ok(Self { _locked: file })
    }
}

fn open() -> Result<File> {
    let path = env::temp_dir().join("probe-tests.lock");
    File::options()
        .create(true)
        .append(true)
        .open(&path)
        .with_context(|| format!("opening {}", path.display()))
}
