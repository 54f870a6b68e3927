//! What wrk writes of a run.

use anyhow::{Context, Result};

/// How many answers it read: the line `  12345 requests in 2.00s, 1.00MB read`.
///
/// # Errors
/// Where there is no such line.
pub fn requests(said: &str) -> Result<u64> {
    let line = said.lines().find(|line| line.contains(" requests in "));
    let word = line.and_then(|line| line.split_whitespace().next());
    Ok(word.with_context(|| said.to_owned())?.parse()?)
}

/// How many a second: the line `Requests/sec:  12345.67`.
///
/// # Errors
/// Where there is no such line.
pub fn rate(said: &str) -> Result<f64> {
    let line = said.lines().find_map(|it| it.strip_prefix("Requests/sec:"));
    Ok(line.with_context(|| said.to_owned())?.trim().parse()?)
}

/// A percentile of latencies, by `--latency`: the line `     50%  123.00us`.
///
/// # Errors
/// Where there is no such line.
pub fn latency_us(said: &str, percent: &str) -> Result<u64> {
    let figure = said.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        (words.next()? == percent).then(|| words.next())?
    });
    let figure = figure.with_context(|| said.to_owned())?;
    let digits = figure.trim_end_matches(char::is_alphabetic);
    let scale = match &figure[digits.len()..] {
        "us" => 1.0,
        "ms" => 1e3,
        _ => 1e6,
    };
    Ok((digits.parse::<f64>()? * scale) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_run() {
        let said = "  Latency Distribution\n     50%   43.00us\n     99%    1.50ms\n  \
                    6658 requests in 2.00s, 1.10MB read\nRequests/sec:   3327.10\n";
        assert_eq!(requests(said).unwrap(), 6_658);
        assert_eq!(rate(said).unwrap(), 3_327.1);
        assert_eq!(latency_us(said, "50%").unwrap(), 43);
        assert_eq!(latency_us(said, "99%").unwrap(), 1_500);
        assert!(latency_us("", "50%").is_err() && requests("").is_err());
    }
}
