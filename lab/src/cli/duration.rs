//! Durations as people write them: `250ms`, `3s`, `1.5m`, `1h`. A bare number is an error.

use std::time::Duration;

/// Parses a positive duration with its unit, up to a day.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let unit_at = text
        .find(|c: char| c.is_ascii_alphabetic())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(unit_at);
    let seconds_per_unit = match unit {
        "ms" => 0.001,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        "" => return Err("expected a unit: 250ms, 3s, 1m".into()),
        _ => return Err(format!("unknown unit {unit:?}: use ms, s, m or h")),
    };
    let number: f64 = number
        .parse()
        .map_err(|_| format!("not a number: {number:?}"))?;
    let seconds = number * seconds_per_unit;
    if !(0.001..=86_400.0).contains(&seconds) {
        return Err("expected between 1ms and 24h".into());
    }
    Ok(Duration::from_secs_f64(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_carry_units() {
        assert_eq!(parse("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(parse("1.5m"), Ok(Duration::from_secs(90)));
        for bad in ["3", "", "s", "-1s", "0s", "3 s", "1e400h", "5d", "25h"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
