//! The dashboard as an SVG, for the README.
//!
//! A game day whose environment names a file in PROBE_PICTURE leaves there how its dashboard
//! looked at the end.

use std::path::Path;

use anyhow::{Context, Result};

use crate::{snapshot::Snapshot, tui};

/// Columns and rows of the picture.
const SIZE: (u16, u16) = (120, 36);

/// Writes the dashboard of a moment to a file.
///
/// # Errors
/// Where the file can't be written.
pub fn save(snapshot: &Snapshot, file: &Path) -> Result<()> {
    std::fs::write(file, tui::picture(snapshot, SIZE.0, SIZE.1))
        .with_context(|| format!("picture: writing {}", file.display()))
}
