//! What is understood, what is refused and how, and how figures read.

use super::*;

fn ns(text: &str) -> u64 {
    parse_duration(text).unwrap().as_nanos() as u64
}

#[test]
fn durations_are_read_exactly() {
    for (text, expected) in [
        ("200ms", 200_000_000),
        ("5s", 5_000_000_000),
        ("1m30s", 90_000_000_000),
        ("1m 30s", 90_000_000_000),
        ("5m", 300_000_000_000),
        ("1h", 3_600_000_000_000),
        ("2min", 120_000_000_000),
        ("500us", 500_000),
        ("500µs", 500_000),
        ("500μs", 500_000),
        ("7 ns", 7),
        ("1.5s", 1_500_000_000),
        ("0.1ms", 100_000),
        (" 0s ", 0),
        ("2S", 2_000_000_000),
    ] {
        assert_eq!(ns(text), expected, "{text}");
    }
}

#[test]
fn malformed_durations_are_refused_in_one_line_each() {
    for (text, message) in [
        ("100", "100 has no unit"),
        ("1.5", "1.5 has no unit"),
        ("1m30", "1m30 has no unit"),
        ("", "nothing where a duration is due"),
        ("-5s", "-5s is negative"),
        ("−5s", "−5s is negative"),
        ("NaN", "\"NaN\" is no duration"),
        ("infs", "\"infs\" is no duration"),
        ("5x", "\"5x\" has no unit of time that is known"),
        ("5🦀", "\"5🦀\" has no unit of time that is known"),
        ("٣s", "\"٣s\" is no duration"),
        ("1s1m", "\"1s1m\" is no duration"),
        ("1s1s", "\"1s1s\" is no duration"),
        ("1e3s", "\"1e3s\" has no unit of time that is known"),
        (".5s", "\".5s\" is no duration"),
        ("5.s", "\"5.s\" is no duration"),
        ("99999999h", "99999999h is longer than a year"),
        (
            "999999999999999999h",
            "999999999999999999h is longer than a year",
        ),
        (
            "9999999999999999999999s",
            "\"9999999999999999999999s\" is no duration",
        ),
    ] {
        let mistake = parse_duration(text).expect_err(text);
        assert_eq!(mistake.message, message, "{text}");
    }
    assert_eq!(
        parse_duration("100").unwrap_err().to_string(),
        "100 has no unit\nhint: write 100ms or 100s"
    );
}

#[test]
fn shares_are_read_and_refused() {
    assert_eq!(parse_share("10%").unwrap().value(), 0.1);
    assert_eq!(parse_share("0.5 %").unwrap().value(), 0.005);
    assert_eq!(parse_share("100%").unwrap().value(), 1.0);
    for (text, whole) in [
        ("10", "10 has no unit\nhint: write 10%"),
        ("0.1", "0.1 has no unit\nhint: write 10% or 0.1%"),
        (
            "150%",
            "150% is more than all\nhint: shares go from 0% to 100%",
        ),
        ("-1%", "-1% is negative\nhint: write a share, as 10%"),
        (
            "NaN%",
            "\"NaN%\" is no share\nhint: write a percentage, as 10%",
        ),
        (
            "ten%",
            "\"ten%\" is no share\nhint: write a percentage, as 10%",
        ),
        (
            "10ms",
            "\"10ms\" is no share\nhint: write a percentage, as 10%",
        ),
        ("", "nothing where a share is due\nhint: write 10%"),
    ] {
        assert_eq!(parse_share(text).expect_err(text).to_string(), whole);
    }
}

#[test]
fn bounds_are_read_told_and_typed_again() {
    let bound = Bound::<Share>::parse(">= 99%").unwrap();
    assert!(bound.holds(Share::new(0.99).unwrap()));
    assert!(!bound.holds(Share::new(0.989).unwrap()));
    assert_eq!(bound.to_string(), ">= 99%");
    let bound = Bound::<Duration>::parse("<=1000ms").unwrap();
    assert_eq!(
        (bound.to_string(), bound.told()),
        ("<= 1s".into(), "<= 1 s".into())
    );
    assert!(
        Bound::<Share>::parse("< 5%")
            .unwrap()
            .holds(Share::new(0.04).unwrap())
    );
    assert!(
        !Bound::<Share>::parse("> 5%")
            .unwrap()
            .holds(Share::new(0.05).unwrap())
    );
    let sustained = Sustained::<Duration>::parse("> 5s for 1m30s").unwrap();
    assert_eq!(sustained.to_string(), "> 5s for 1m30s");
}

#[test]
fn malformed_bounds_are_refused() {
    for (text, message) in [
        ("99%", "\"99%\" has no comparison"),
        ("=> 99%", "\"=> 99%\" is no bound"),
        (">= 99", "99 has no unit"),
        (">=", "nothing where a share is due"),
        ("", "\"\" is no bound"),
        (">= 101%", "101% is more than all"),
    ] {
        assert_eq!(
            Bound::<Share>::parse(text).expect_err(text).message,
            message
        );
    }
    for (text, message) in [
        ("< 50%", "\"< 50%\" doesn't say for how long"),
        ("< 50% for 5", "5 has no unit"),
        ("< 50% for 0s", "\"< 50% for 0s\" lasts no time"),
        ("50% for 5s", "\"50%\" has no comparison"),
    ] {
        assert_eq!(
            Sustained::<Share>::parse(text).expect_err(text).message,
            message
        );
    }
}

#[test]
fn a_value_that_misses_its_limit_never_reads_like_it() {
    let bound = Bound::<Share>::parse(">= 99%").unwrap();
    assert_eq!(bound.tell(Share::new(0.9897).unwrap()), "98.97%");
    assert_eq!(bound.tell(Share::new(0.98999).unwrap()), "98.999%");
    assert_eq!(bound.tell(Share::new(0.982).unwrap()), "98.2%");
    assert_eq!(bound.tell(Share::new(0.99).unwrap()), "99%");
    let bound = Bound::<Duration>::parse("<= 1s").unwrap();
    assert_eq!(bound.tell(Duration::from_millis(1004)), "1.004 s");
    assert_eq!(bound.tell(Duration::from_millis(3_100)), "3.1 s");
    assert_eq!(bound.tell(Duration::from_micros(892_900)), "893 ms");
    assert_eq!(
        Bound::<Duration>::parse("< 12.5ms").unwrap().told(),
        "< 12.5 ms"
    );
    assert_eq!(
        Bound::<Share>::parse("> 98.95%").unwrap().told(),
        "> 98.95%"
    );
}

#[test]
fn figures_read_well() {
    for (us, text) in [
        (0, "0 s"),
        (350, "350 µs"),
        (1_234, "1.2 ms"),
        (45_678, "46 ms"),
        (999_600, "1 s"),
        (1_200_000, "1.2 s"),
        (90_000_000, "1 min 30 s"),
        (120_000_000, "2 min"),
    ] {
        assert_eq!(words::microseconds(us), text);
    }
    assert_eq!(words::share(0.982), "98.2%");
    assert_eq!(words::share(1.0), "100%");
    assert_eq!(words::share(0.9999), "99.99%");
    assert_eq!(words::share(0.0), "0%");
    assert_eq!(words::share(0.0002), "0.02%");
    for text in [
        "200ms", "1m30s", "5m", "0s", "1.5s", "500us", "2h", "7ns", "1h1m1s",
    ] {
        assert_eq!(words::typed_duration(parse_duration(text).unwrap()), text);
    }
}

#[test]
fn rates_and_sizes_are_read() {
    assert_eq!(parse_rate("1mbit"), Ok(1_000_000));
    assert_eq!(parse_rate("2.5Gbit"), Ok(2_500_000_000));
    assert_eq!(parse_size("64kb"), Ok(65_536));
    assert!(parse_rate("1").unwrap_err().to_string().contains("1kbit"));
    assert!(parse_rate("1mb").is_err());
    assert!(parse_size("99999999999999999gb").is_err());
}

#[test]
fn rates_and_sizes_read_as_typed() {
    for text in ["1mbit", "2.5gbit", "999bit", "1.001kbit"] {
        assert_eq!(words::typed_rate(parse_rate(text).unwrap()), text);
    }
    for text in ["64kb", "1.5mb", "1000b", "0b", "1gb"] {
        assert_eq!(words::typed_size(parse_size(text).unwrap()), text);
    }
}

#[test]
fn counts_are_whole_numbers() {
    assert_eq!(parse_count(" 100 "), Ok(100));
    for text in ["", "-1", "+1", "1.5", "1k", "99999999999999999999"] {
        assert!(parse_count(text).is_err(), "{text}");
    }
}
