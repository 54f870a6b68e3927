//! Chains that are whole, and each way to break one.

use super::chain::{Link, seal, sha256, verify};
use super::*;
use crate::report::schema::tests::complaints;

fn entry(at: &Link, event: Event) -> Entry {
    Entry {
        schema: SCHEMA.into(),
        seq: at.seq + 1,
        at: "2026-11-21T11:45:00.000Z".into(),
        monotonic_ns: 7,
        who: Who {
            command: vec!["probe".into(), "inject".into(), "\"}\n".into()],
            ..Who::default()
        },
        event,
        prev: at.hash.clone(),
    }
}

fn log(entries: usize) -> (Vec<String>, Link) {
    let mut at = Link::default();
    let mut lines = Vec::new();
    for processes in 0..entries {
        let (line, next) = seal(&entry(&at, Event::Stopped { processes })).unwrap();
        lines.push(line + "\n");
        at = next;
    }
    (lines, at)
}

#[test]
fn an_entry_is_what_the_schema_says() {
    let (lines, _) = log(1);
    assert!(
        lines[0].starts_with(
            r#"{"schema":"probe.audit/1","seq":1,"at":"2026-11-21T11:45:00.000Z","monotonic_ns":7,"who":{"uid":0,"#
        ),
        "{}",
        lines[0]
    );
    assert!(lines[0].contains(r#""event":"stopped","processes":0,"prev":"0000"#));
}

#[test]
fn every_event_is_what_the_schema_says() {
    let injection = || "7.1".to_owned();
    let ending = Ending {
        by: "death".into(),
        ..Ending::default()
    };
    let counted = Ending {
        by: "deadline".into(),
        counters: Some(FaultCounters::default()),
        ..Ending::default()
    };
    let events = [
        Event::Armed {
            injection: injection(),
            what: What::default(),
        },
        Event::Ended {
            injection: injection(),
            ending,
        },
        Event::Ended {
            injection: injection(),
            ending: counted,
        },
        Event::Stopped { processes: 1 },
        Event::Cleared { probes: 1 },
        Event::Recovered {
            bytes: 7,
            sha256: sha256(b"cut off"),
        },
    ];
    for event in events {
        let (line, _) = seal(&entry(&Link::default(), event)).unwrap();
        let document = serde_json::from_str(&line).unwrap();
        assert_eq!(complaints("audit", &document), [""; 0], "{line}");
    }
}

#[test]
fn a_log_as_written_is_whole() {
    assert_eq!(verify(b"").unwrap().entries, 0);
    let (lines, _) = log(5);
    let whole = verify(lines.concat().as_bytes()).unwrap();
    assert_eq!((whole.entries, whole.cut_off.len()), (5, 0));
}

#[test]
fn every_changed_byte_is_noticed_on_its_line() {
    let (lines, _) = log(3);
    let whole = lines.concat();
    let second = lines[0].len();
    for at in second..second + lines[1].len() - 1 {
        let mut bytes = whole.clone().into_bytes();
        bytes[at] ^= 1;
        let broken = verify(&bytes).unwrap_err();
        assert_eq!(broken.line, 2, "byte {at}: {broken:?}");
    }
}

#[test]
fn a_line_taken_out_moved_or_written_twice_is_noticed() {
    let (lines, _) = log(4);
    for (order, line) in [
        (vec![1, 2, 3], 1),
        (vec![0, 2, 3], 2),
        (vec![0, 2, 1, 3], 2),
        (vec![0, 1, 1, 2], 3),
    ] {
        let text: String = order.iter().map(|&at| lines[at].as_str()).collect();
        assert_eq!(verify(text.as_bytes()).unwrap_err().line, line, "{order:?}");
    }
}

#[test]
fn a_cut_off_line_is_noticed_until_an_entry_vouches_for_it() {
    let (lines, at) = log(2);
    let fragment = &lines[1][..40];
    let mut text = lines.concat() + fragment;
    assert_eq!(verify(text.as_bytes()).unwrap_err().line, 3);
    text += "\n";
    assert_eq!(verify(text.as_bytes()).unwrap_err().line, 3);
    let recovered = |said: &str| {
        let (bytes, sha256) = (said.len(), sha256(said.as_bytes()));
        let (line, _) = seal(&entry(&at, Event::Recovered { bytes, sha256 })).unwrap();
        text.clone() + &line + "\n"
    };
    let whole = verify(recovered(fragment).as_bytes()).unwrap();
    assert_eq!((whole.entries, whole.cut_off), (3, vec![3]));
    let broken = verify(recovered("something else").as_bytes()).unwrap_err();
    assert_eq!(broken.line, 3);
}
