//! Moments as people and programs read them: the Gregorian calendar, in UTC.

const DAY_S: u64 = 86_400;

/// Seconds since 1970 as "2026-11-21T20:29:08Z".
pub fn utc(unix_s: u64) -> String {
    let (year, month, day) = date(unix_s / DAY_S);
    let of_day = unix_s % DAY_S;
    let (hours, minutes, seconds) = (of_day / 3_600, of_day / 60 % 60, of_day % 60);
    format!("{year:04}-{month:02}-{day:02}T{hours:02}:{minutes:02}:{seconds:02}Z")
}

/// The same for people: "2026-11-21 20:29:08 UTC".
pub fn told(unix_s: u64) -> String {
    utc(unix_s).replace('T', " ").replace('Z', " UTC")
}

/// Year, month and day, so many days after the first of 1970. Years begin in March here, so that
/// the leap day is a year's last.
fn date(days: u64) -> (u64, u64, u64) {
    const ERA: u64 = 146_097;
    let days = days + 719_468;
    let (era, of_era) = (days / ERA, days % ERA);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = (from_march + 2) % 12 + 1;
    (era * 400 + year + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_told_in_utc() {
        for (unix_s, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_735_689_599, "2024-12-31T23:59:59Z"),
            (1_795_292_948, "2026-11-21T20:29:08Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(utc(unix_s), text);
        }
        assert_eq!(told(0), "1970-01-01 00:00:00 UTC");
    }
}
