//! Real servers and what drives them, observed: each recognised, its calls and errors counted as the
//! driver counts them, its latencies those of the driver's own clock.

mod dns;
mod grpc;
mod http;
mod mysql;
mod pools;
mod postgres;
mod redis;

use anyhow::{Result, ensure};

/// A driver's clock also runs while the driver waits for a CPU, which on a busy machine is longer
/// than what is tolerated. So latencies that are off get another try; what is counted doesn't.
const TRIES: usize = 3;

/// Tries until no latency is off; `attempt` tells those that are.
fn in_time(mut attempt: impl FnMut() -> Result<Vec<String>>) -> Result<()> {
    let mut off = Vec::new();
    for _ in 0..TRIES {
        off = attempt()?;
        if off.is_empty() {
            return Ok(());
        }
        println!("off: {off:?}");
    }
    ensure!(off.is_empty(), "{TRIES} times in a row, the last: {off:?}");
    Ok(())
}
