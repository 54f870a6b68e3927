//! Numbers for people: three digits that matter, in columns that keep their width.

/// Widest result of [`latency`].
#[cfg(test)]
const LATENCY_WIDTH: u16 = 6;

/// A latency, at most six characters: "850µs", "4.21ms", "2.01s", "7m02s".
pub fn latency(us: u64) -> String {
    let value = us as f64;
    if us < 1_000 {
        format!("{us}µs")
    } else if us < 999_500 {
        format!("{}ms", three_digits(value / 1e3))
    } else if us < 99_950_000 {
        format!("{}s", three_digits(value / 1e6))
    } else if us < 3_600_000_000 {
        let seconds = us / 1_000_000;
        format!("{}m{:02}s", seconds / 60, seconds % 60)
    } else {
        let minutes = (us / 60_000_000).min(99 * 60 + 59);
        format!("{}h{:02}m", minutes / 60, minutes % 60)
    }
}

/// A share from 0 to 1 in percent, at most five characters. What isn't all is never told as
/// "100%", and what isn't nothing never as "0%".
pub fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent <= 0.0 {
        "0%".into()
    } else if percent < 0.1 {
        "<0.1%".into()
    } else if percent >= 100.0 {
        "100%".into()
    } else {
        format!("{:.1}%", percent.min(99.9))
    }
}

/// Calls a second, at most five characters: "0.4", "12.3", "120", "1.20k".
pub fn rate(per_second: f64) -> String {
    if per_second <= 0.0 {
        "0".into()
    } else if per_second < 0.05 {
        "<0.1".into()
    } else if per_second < 99.95 {
        format!("{per_second:.1}")
    } else {
        shortened(per_second)
    }
}

/// How many times as much, at most five characters: "×3.1".
pub fn times(factor: f64) -> String {
    match factor.clamp(0.0, 999.0) {
        few if few < 9.95 => format!("×{few:.1}"),
        many => format!("×{many:.0}"),
    }
}

/// How many, at most six characters: "1,234", "12,345", "123k", "1.23M".
pub fn count(count: u64) -> String {
    match count {
        0..1_000 => count.to_string(),
        1_000..100_000 => format!("{},{:03}", count / 1_000, count % 1_000),
        _ => shortened(count as f64),
    }
}

/// A moment or a time left, as a clock shows it: "00:47", "1:02:03".
pub fn clock(ms: u64) -> String {
    let seconds = ms / 1_000;
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    if hours == 0 {
        format!("{minutes:02}:{seconds:02}")
    } else {
        format!("{hours}:{minutes:02}:{seconds:02}")
    }
}

/// A text in at most `width` characters, with "…" where something was left out.
pub fn fit(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let Some(kept) = width.checked_sub(1) else {
        return String::new();
    };
    text.chars().take(kept).chain(['…']).collect()
}

fn shortened(value: f64) -> String {
    if value < 999.5 {
        format!("{value:.0}")
    } else if value < 999_500.0 {
        format!("{}k", three_digits(value / 1e3))
    } else if value < 999_500_000.0 {
        format!("{}M", three_digits(value / 1e6))
    } else {
        format!("{}G", three_digits((value / 1e9).min(999.0)))
    }
}

fn three_digits(value: f64) -> String {
    if value < 9.995 {
        format!("{value:.2}")
    } else if value < 99.95 {
        format!("{value:.1}")
    } else {
        format!("{value:.0}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latencies_keep_three_digits() {
        for (us, shown) in [
            (0, "0µs"),
            (999, "999µs"),
            (1_000, "1.00ms"),
            (9_994, "9.99ms"),
            (9_996, "10.0ms"),
            (99_960, "100ms"),
            (999_499, "999ms"),
            (999_500, "1.00s"),
            (2_014_000, "2.01s"),
            (99_949_000, "99.9s"),
            (422_000_000, "7m02s"),
            (3_900_000_000, "1h05m"),
            (u64::MAX, "99h59m"),
        ] {
            assert_eq!(latency(us), shown);
        }
    }

    #[test]
    fn no_latency_is_wider_than_its_column() {
        for power in 0..64 {
            for near in [-1, 0, 1] {
                let shown = latency((1u64 << power).saturating_add_signed(near));
                assert!(
                    shown.chars().count() <= usize::from(LATENCY_WIDTH),
                    "{shown}"
                );
            }
        }
    }

    #[test]
    fn almost_all_is_not_all() {
        assert_eq!(percent(0.0), "0%");
        assert_eq!(percent(0.000_01), "<0.1%");
        assert_eq!(percent(0.123), "12.3%");
        assert_eq!(percent(0.999_99), "99.9%");
        assert_eq!(percent(1.0), "100%");
    }

    #[test]
    fn counts_and_rates_grow_no_wider() {
        assert_eq!(count(1_234), "1,234");
        assert_eq!(count(99_999), "99,999");
        assert_eq!(count(123_456), "123k");
        assert_eq!(rate(0.04), "<0.1");
        assert_eq!(rate(12.34), "12.3");
        assert_eq!(rate(120.4), "120");
        assert_eq!(rate(1_204.0), "1.20k");
    }

    #[test]
    fn a_clock_shows_hours_only_where_there_are_some() {
        assert_eq!(clock(47_900), "00:47");
        assert_eq!(clock(3_723_000), "1:02:03");
    }

    #[test]
    fn what_does_not_fit_says_so() {
        assert_eq!(fit("payments", 8), "payments");
        assert_eq!(fit("payments", 5), "paym…");
        assert_eq!(fit("payments", 0), "");
    }
}
