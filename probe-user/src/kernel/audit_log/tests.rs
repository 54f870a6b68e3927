//! The log's file: two writers at once, a crash in the middle of a line, a full disk.

use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::audit::chain::verify;

/// A folder of a test's own.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = env::temp_dir().join(format!("probe-audit-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn log(&self) -> AuditLog {
        AuditLog::at(self.0.join("audit.jsonl"))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn stopped() -> Event {
    Event::Stopped { processes: 1 }
}

#[test]
fn entries_are_chained_and_only_their_owner_reads_them() {
    let folder = Folder::new("chain");
    let log = folder.log();
    for _ in 0..3 {
        log.append(stopped()).unwrap();
    }
    assert_eq!(verify(&fs::read(&log.path).unwrap()).unwrap().entries, 3);
    let mode = fs::metadata(&log.path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(log.lock().unwrap().entries().count(), 3);
}

#[test]
fn two_writers_at_once_make_one_chain() {
    let folder = Folder::new("two");
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let log = folder.log();
                (0..50).for_each(|_| log.append(stopped()).unwrap());
            });
        }
    });
    let log = fs::read(folder.log().path).unwrap();
    assert_eq!(verify(&log).unwrap().entries, 100);
}

#[test]
fn a_line_that_was_cut_off_is_told_of_and_gone_on_behind() {
    let folder = Folder::new("cut");
    let log = folder.log();
    (0..2).for_each(|_| log.append(stopped()).unwrap());
    let whole = fs::read(&log.path).unwrap();
    fs::write(&log.path, &whole[..whole.len() - 30]).unwrap();
    assert_eq!(verify(&fs::read(&log.path).unwrap()).unwrap_err().line, 2);
    log.append(stopped()).unwrap();
    let verified = verify(&fs::read(&log.path).unwrap()).unwrap();
    // The first, that the second was cut off, and the third.
    assert_eq!((verified.entries, verified.cut_off), (3, vec![2]));
}

#[test]
fn where_it_cannot_be_written_it_says_so() {
    let folder = Folder::new("nowhere");
    let nowhere = AuditLog::at(folder.0.join("no/such/folder/audit.jsonl"));
    let full = AuditLog::at("/dev/full".into());
    for log in [nowhere, full] {
        let text = log.append(stopped()).unwrap_err().to_string();
        assert!(text.contains("can't be written\nhint: "), "{text}");
    }
}

#[test]
fn room_that_is_set_aside_does_not_show() {
    let folder = Folder::new("room");
    let log = folder.log();
    log.append(stopped()).unwrap();
    let before = fs::metadata(&log.path).unwrap().len();
    log.lock().unwrap().reserve().unwrap();
    assert_eq!(fs::metadata(&log.path).unwrap().len(), before);
    log.append(stopped()).unwrap();
    assert_eq!(verify(&fs::read(&log.path).unwrap()).unwrap().entries, 2);
}

#[test]
fn this_process_is_alive_and_one_of_another_boot_is_not() {
    let mut who = this_process();
    assert!(is_alive(&who));
    who.boot.clear();
    assert!(!is_alive(&who));
}
