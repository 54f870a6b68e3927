//! Tapes in folders of their own.

use std::{fs, os::unix::fs::PermissionsExt};

use super::*;
use crate::journal::Journal;

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let name = format!("probe-tape-{name}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let _ = fs::remove_dir_all(&path);
        Self(path)
    }

    fn destination(&self, name: &str, keep: Option<usize>) -> Destination {
        Destination {
            folder: self.0.clone(),
            name: name.into(),
            keep,
            begin: crate::journal::tests::begin(),
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn put_all(tape: &Tape) {
    let verdict = crate::report::tests::failed();
    let snapshot = Snapshot {
        elapsed_ms: 700,
        ..Snapshot::default()
    };
    tape.put(Piece::Moment(Arc::new(snapshot)));
    tape.put(Piece::End(800, Box::new(verdict)));
}

#[test]
fn what_is_put_is_read() {
    let folder = Folder::new("put");
    let mut tape = Tape::begin(&folder.destination("j.jsonl", None)).unwrap();
    put_all(&tape);
    tape.finish();
    assert_eq!(tape.trouble(), None);
    let journal = Journal::read(fs::read(tape.path()).unwrap(), "j").unwrap();
    assert_eq!(journal.verdict().unwrap(), crate::report::tests::failed());
    assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 1);
}

#[test]
fn only_the_newest_are_kept_and_nobody_elses_touched() {
    let folder = Folder::new("keep");
    fs::create_dir_all(&folder.0).unwrap();
    fs::write(folder.0.join("notes.jsonl"), "mine").unwrap();
    for n in 10..16 {
        let name = format!("202611{n}T000000Z-x-1.jsonl");
        Tape::begin(&folder.destination(&name, Some(3))).unwrap();
    }
    let names = fs::read_dir(&folder.0).unwrap().flatten();
    let mut names: Vec<_> = names
        .map(|it| it.file_name().into_string().unwrap())
        .collect();
    names.sort_unstable();
    let left = [13, 14, 15].map(|n| format!("202611{n}T000000Z-x-1.jsonl"));
    assert_eq!(names[..3], left);
    assert_eq!(names[3..], ["notes.jsonl"]);
    let kept = fs::metadata(folder.0.join(&left[0])).unwrap();
    assert_eq!(kept.permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_place_that_can_t_be_is_an_error() {
    let folder = Folder::new("file");
    fs::write(&folder.0, "a file").unwrap();
    let error = Tape::begin(&folder.destination("j.jsonl", None)).unwrap_err();
    assert!(
        format!("{error:#}").contains("making the folder"),
        "{error:#}"
    );
    fs::remove_file(&folder.0).unwrap();
}
