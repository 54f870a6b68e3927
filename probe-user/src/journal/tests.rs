//! Journals written, cut at every place and read again.

use serde_json::Value;

use super::{line::SCHEMA, *};
use crate::{
    report::tests::{failed, files::SCENARIO},
    snapshot::{
        DependencyView, FaultView, GameDayView, SecondView, Snapshot, TimelineEntry, TimelineKind,
    },
    verdict::{Verdict, VerdictKind, course::Moment},
};

/// What a journal of the reports' sample begins with.
pub fn begin() -> Begin {
    Begin {
        schema: SCHEMA.into(),
        probe: "0.0.0".into(),
        began_unix_s: Some(1_795_292_948),
        host: "ci-7".into(),
        seed: 7,
        file: "payments slow.toml".into(),
        scenario: SCENARIO.into(),
        slo: crate::plan::Share::new(0.999)
            .and_then(|it| crate::verdict::Slo::new(it, std::time::Duration::from_secs(60))),
    }
}

/// What the dashboard showed, with something in it that moves on and something that stays.
fn snapshot(at_ms: u64) -> Snapshot {
    let second = |n: u64| SecondView {
        p50_us: (!n.is_multiple_of(3)).then_some(n * 100),
        ok: n as u32,
        ..SecondView::default()
    };
    let payments = DependencyView {
        name: "payments".into(),
        recent: failed().stats.during,
        baseline: (at_ms > 3_000).then(|| failed().stats.before),
        in_flight: (at_ms / 100 % 7) as u32,
        seconds: (at_ms / 1_000..at_ms / 1_000 + 60).map(second).collect(),
        ..DependencyView::default()
    };
    let fault = FaultView {
        label: "payments · delay 2s".into(),
        left_ms: 8_000u64.checked_sub(at_ms),
        ..FaultView::default()
    };
    Snapshot {
        elapsed_ms: at_ms,
        title: "payments slow".into(),
        dependencies: vec![payments],
        faults: vec![fault],
        game_day: Some(GameDayView {
            phase: "faults".into(),
            progress: Some(at_ms as f64 / 3e4),
            ..GameDayView::default()
        }),
        ..Snapshot::default()
    }
}

fn entry(at_ms: u64) -> TimelineEntry {
    TimelineEntry {
        at_ms,
        kind: TimelineKind::Fault,
        text: format!("armed at {at_ms}"),
    }
}

fn standing(at_ms: u64) -> Verdict {
    let mut verdict = failed();
    verdict.lost_events = at_ms;
    verdict.course.length_ms = at_ms;
    verdict.course.service.moments.clear();
    for track in &mut verdict.course.dependencies {
        track.moments.clear();
    }
    verdict
}

/// A journal's lines up to a time, a moment each 250 ms, without an end.
pub fn lines(until_ms: u64) -> Vec<String> {
    let mut writer = Writer::default();
    let mut lines = vec![Writer::begin(&begin())];
    for at_ms in (0..=until_ms).step_by(250) {
        if at_ms % 1_000 == 0 {
            lines.push(Writer::event(entry(at_ms), true));
            lines.push(writer.standing(at_ms, &standing(at_ms)));
        }
        if at_ms % 1_000 == 0 && at_ms > 0 {
            let moment = Moment {
                at_ms: at_ms - 1_000,
                ok: at_ms,
                ..Moment::default()
            };
            lines.push(Writer::second(line::Second {
                service: moment,
                dependencies: vec![moment],
            }));
        }
        lines.push(writer.moment(&snapshot(at_ms)));
    }
    lines
}

/// A journal that was cut off.
pub fn journal(until_ms: u64) -> Journal {
    Journal::read(lines(until_ms).concat().into_bytes(), "j").unwrap()
}

/// What a picture is compared by.
fn shown(picture: &Snapshot) -> Value {
    let mut value = serde_json::to_value(picture).unwrap();
    value["timeline"] = Value::Null;
    value
}

#[test]
fn every_picture_comes_back_whatever_way_it_is_gone_to() {
    let mut text = lines(70_000).concat();
    text += &Writer::end(70_100, failed());
    let journal = Journal::read(text.into_bytes(), "j").unwrap();
    assert_eq!(journal.remarks, [""; 0]);
    let mut film = Film::new(journal);
    assert_eq!(film.length_ms(), 70_000);
    let there_and_back = (0..=280)
        .chain((0..=280).rev())
        .chain([3, 200, 199, 0, 280]);
    for n in there_and_back {
        film.go_to(n * 250 + 249);
        let picture = film.picture();
        assert_eq!(shown(&picture), shown(&snapshot(n * 250)));
        let times: Vec<_> = picture.timeline.iter().map(|it| it.at_ms).collect();
        let expected: Vec<_> = (0..=n / 4).map(|it| it * 1_000).collect();
        assert_eq!(times, expected);
    }
}

#[test]
fn a_change_is_a_fraction_of_the_whole() {
    let lines = lines(20_000);
    let moments: Vec<_> = lines.iter().filter(|it| it.contains("moment")).collect();
    let (whole, changes) = moments.split_first().unwrap();
    let mut lengths: Vec<_> = changes.iter().map(|it| it.len()).collect();
    lengths.sort_unstable();
    let middle = lengths[lengths.len() / 2];
    assert!(middle * 20 < whole.len(), "{middle} of {}", whole.len());
}

#[test]
fn the_verdict_comes_back_to_the_last_bit() {
    let mut verdict = failed();
    verdict.metrics.availability = Some(0.1 + 0.2);
    let text = lines(500).concat() + &Writer::end(600, verdict.clone());
    let journal = Journal::read(text.into_bytes(), "j").unwrap();
    assert!(journal.is_complete());
    assert_eq!(journal.verdict().unwrap(), verdict);
}

#[test]
fn cut_off_anywhere_it_tells_what_was_seen_until_then() {
    let all = lines(5_000).concat();
    let first = all.find('\n').unwrap();
    let mut told = 0;
    for length in (first..=all.len()).step_by(41).chain([all.len()]) {
        let bytes = all.as_bytes()[..length].to_vec();
        let ended_well = bytes.ends_with(b"\n") || length == first;
        let Ok(journal) = Journal::read(bytes, "j") else {
            // Before the first moment there is nothing to tell.
            assert!(length < 60_000, "{length}");
            continue;
        };
        told += 1;
        let is_torn = journal.remarks.iter().any(|it| it.contains("torn"));
        // One that lacks no more than its newline is whole.
        assert!(!(ended_well && is_torn));
        assert!(journal.remarks.last().unwrap().contains("cut off"));
        let verdict = journal.verdict().unwrap();
        assert_eq!(verdict.kind, VerdictKind::Aborted);
        assert!(verdict.reason.starts_with("cut off after"));
        assert_eq!(verdict.reason, verdict.timeline.last().unwrap().text);
        let seconds = verdict.course.service.moments.len() as u64;
        assert!(seconds * 1_000 <= journal.until_ms);
        assert!(seconds * 1_000 + 1_000 >= verdict.lost_events, "{seconds}");
    }
    assert!(told > 100, "{told}");
}

#[test]
fn the_last_picture_of_one_that_was_cut_off_says_so() {
    let mut film = Film::new(journal(5_000));
    film.go_to(4_999);
    assert_eq!(film.picture().game_day.unwrap().verdict, None);
    film.go_to(5_000);
    let last = film.picture();
    let day = last.game_day.unwrap();
    assert_eq!(day.verdict.as_deref(), Some("aborted"));
    assert!(day.reason.unwrap().contains("cut off after 5 s"));
    assert!(last.timeline.last().unwrap().text.contains("cut off"));
}

#[test]
fn a_line_lost_in_its_midst_costs_what_builds_on_it() {
    let mut lines = lines(70_000);
    let lost = lines
        .iter()
        .position(|it| it.contains("\"at_ms\":10000"))
        .unwrap();
    lines[lost] = "{\"line\":\"mom\u{0}\n".into();
    let journal = Journal::read(lines.concat().into_bytes(), "j").unwrap();
    let line = format!("line {} can't be read", lost + 1);
    assert!(
        journal.remarks[0].starts_with(&line),
        "{:?}",
        journal.remarks
    );
    let mut film = Film::new(journal);
    film.go_to(9_000);
    assert_eq!(film.picture().elapsed_ms, 9_000);
    film.go_to(20_000);
    assert_eq!(film.picture().elapsed_ms, 9_750);
    // From the next whole one on all is there again.
    film.go_to(40_000);
    assert_eq!(shown(&film.picture()), shown(&snapshot(40_000)));
    assert_eq!(film.journal().verdict().unwrap().lost_events, 70_000);
}

#[test]
fn what_is_no_journal_is_refused_with_a_reason() {
    let newer = Writer::begin(&begin()).replace("journal/1", "journal/2");
    let scenario = Begin {
        scenario: "name = 7".into(),
        ..begin()
    };
    for (bytes, why) in [
        (String::new(), "no journal"),
        ("{}\n".into(), "no journal"),
        ("\u{0}\u{1}garbage".into(), "no journal"),
        (crate::report::json::verdict(&failed()), "no journal"),
        (newer, "probe.journal/2"),
        (Writer::begin(&scenario), "scenario"),
        (Writer::begin(&begin()), "before the game day began"),
    ] {
        let mistake = Journal::read(bytes.clone().into_bytes(), "j").unwrap_err();
        assert!(mistake.message.starts_with("j: "), "{mistake}");
        assert!(mistake.message.contains(why), "{mistake} of {bytes}");
    }
}

#[test]
fn no_line_breaks_the_reader() {
    let good = lines(1_000);
    for bad in [
        r#"{"line":"moment","at_ms":1}"#,
        r#"{"line":"moment","at_ms":1,"whole":[1,2]}"#,
        r#"{"line":"moment","at_ms":2,"change":{"dependencies":{"drop":9}}}"#,
        r#"{"line":"moment","at_ms":18446744073709551615,"change":{}}"#,
        r#"{"line":"second","service":{"at_ms":18446744073709551615}}"#,
        r#"{"line":"standing","at_ms":1,"whole":{"kind":7}}"#,
        r#"{"line":"event","at_ms":1,"kind":"party","text":"x","of_game_day":true}"#,
        r#"{"line":"unheard_of"}"#,
        "[]",
    ] {
        let text = good.concat() + bad + "\n" + &good[3];
        let journal = Journal::read(text.into_bytes(), "j").unwrap();
        let _ = journal.verdict();
        let mut film = Film::new(journal);
        film.go_to(u64::MAX);
        let _ = film.picture();
    }
}
