//! Quantities as people read them.

use std::time::Duration;

/// A duration to read, with so many decimals at most: "350 µs", "1.2 s", "1 min 30 s".
pub fn duration(value: Duration, decimals: usize) -> String {
    let ns = value.as_nanos() as f64;
    // The unit is chosen after rounding, so that 999.96 ms is "1 s" and not "1000 ms".
    let rounded = |unit: f64| trimmed(ns / unit, decimals);
    if ns == 0.0 {
        "0 s".to_owned()
    } else if ns < 999.5 {
        format!("{ns} ns")
    } else if ns < 999_500.0 {
        format!("{} µs", rounded(1e3))
    } else if ns < 999_500_000.0 {
        format!("{} ms", rounded(1e6))
    } else if ns < 59.95e9 {
        format!("{} s", rounded(1e9))
    } else {
        let seconds = (ns / 1e9).round() as u64;
        match (seconds / 60, seconds % 60) {
            (minutes, 0) => format!("{minutes} min"),
            (minutes, seconds) => format!("{minutes} min {seconds} s"),
        }
    }
}

/// Microseconds to read: three digits are enough to compare figures by.
pub fn microseconds(us: u64) -> String {
    let decimals = match us {
        0..1_000 | 10_000..1_000_000 => 0,
        _ => 1,
    };
    duration(Duration::from_micros(us), decimals)
}

/// A share (0 to 1) to read: "98.2%". Never "100%" or "0%" where it isn't.
pub fn share(value: f64) -> String {
    for decimals in 1..=4 {
        let text = trimmed(value * 100.0, decimals);
        let looks_whole = text == "100" || text == "0";
        if !looks_whole || value == 0.0 || value == 1.0 {
            return format!("{text}%");
        }
    }
    format!("{}%", value * 100.0)
}

/// A duration as it is typed: "200ms", "1m30s".
pub fn typed_duration(value: Duration) -> String {
    let mut left = value.as_nanos();
    let mut text = String::new();
    for (unit, size) in [("h", 3_600_000_000_000), ("m", 60_000_000_000)] {
        if left >= size {
            text += &format!("{}{unit}", left / size);
            left %= size;
        }
    }
    if left == 0 && !text.is_empty() {
        return text;
    }
    let (unit, size) = match left {
        0 | 1_000_000_000.. => ("s", 1e9),
        1_000_000.. => ("ms", 1e6),
        1_000.. => ("us", 1e3),
        _ => ("ns", 1.0),
    };
    text + &format!("{}{unit}", left as f64 / size)
}

/// A share (0 to 1) as it is typed: "99%", "0.5%".
pub fn typed_share(value: f64) -> String {
    format!("{}%", trimmed(value * 100.0, 6))
}

/// A rate in bits a second as it is typed: "1mbit", "2.5gbit".
pub fn typed_rate(bits: u64) -> String {
    let units = [
        ("gbit", 1_000_000_000),
        ("mbit", 1_000_000),
        ("kbit", 1_000),
    ];
    scaled(bits, &units, "bit")
}

/// A size in bytes as it is typed: "64kb", "1.5mb"; kb are 1024 bytes.
pub fn typed_size(bytes: u64) -> String {
    let units = [("gb", 1 << 30), ("mb", 1 << 20), ("kb", 1 << 10)];
    scaled(bytes, &units, "b")
}

/// A number in the largest unit in which three decimals tell it, else in the smallest.
fn scaled(value: u64, units: &[(&str, u64)], smallest: &str) -> String {
    let fits = |size: u64| value >= size && (u128::from(value) * 1_000).is_multiple_of(size.into());
    match units.iter().find(|(_, size)| fits(*size)) {
        Some((unit, size)) => format!("{}{unit}", value as f64 / *size as f64),
        None => format!("{value}{smallest}"),
    }
}

/// A number with so many decimals, less the zeros at its end.
pub(super) fn trimmed(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}
