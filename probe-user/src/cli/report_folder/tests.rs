//! Folders that take reports, and folders that don't.

use super::*;
use crate::report::tests::{failed, told};

fn fresh(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("probe-report-{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&path);
    path
}

fn write(folder: &ReportFolder) -> Result<()> {
    let mut written = Ok(());
    told(&failed(), |occasion| {
        written = folder.write(occasion);
        String::new()
    });
    written
}

fn names(path: &Path) -> Vec<String> {
    let entries = fs::read_dir(path).unwrap();
    let name = |it: std::io::Result<fs::DirEntry>| it.unwrap().file_name().into_string().unwrap();
    let mut names: Vec<_> = entries.map(name).collect();
    names.sort();
    names
}

#[test]
fn reports_land_in_a_folder_that_was_made_and_are_replaced_by_newer_ones() {
    let path = fresh("made");
    let folder = ReportFolder::prepare(path.join("a/b")).unwrap();
    let all = ["junit.xml", "report.html", "report.md", "verdict.json"];
    for _ in 0..2 {
        write(&folder).unwrap();
        assert_eq!(names(folder.path()), all);
        ReportFolder::prepare(path.join("a/b")).unwrap();
    }
    fs::remove_dir_all(path).unwrap();
}

#[test]
fn files_of_others_stay() {
    let path = fresh("others");
    fs::create_dir_all(&path).unwrap();
    fs::write(path.join("junit.xml"), "<testsuites/>").unwrap();
    let error = ReportFolder::prepare(path.clone()).unwrap_err().to_string();
    assert!(
        error.contains("isn't a report of probe's\nhint: name another"),
        "{error}"
    );
    assert_eq!(names(&path), ["junit.xml"]);
    fs::remove_dir_all(path).unwrap();
}

#[test]
fn journals_are_replaced_and_those_of_others_stay() {
    let path = fresh("journals");
    fs::create_dir_all(&path).unwrap();
    let journal = path.join(journal_place::NAME);
    let own = crate::journal::Writer::begin(&crate::journal::tests::begin());
    fs::write(&journal, own).unwrap();
    ReportFolder::prepare(path.clone()).unwrap();
    fs::write(&journal, "{\"schema\":\"diary/1\"}\n").unwrap();
    let error = ReportFolder::prepare(path.clone()).unwrap_err();
    assert!(error.to_string().contains("isn't a report of probe's"));
    fs::remove_dir_all(path).unwrap();
}

#[test]
fn a_file_is_no_folder() {
    let path = fresh("file");
    fs::write(&path, "").unwrap();
    for path in [path.clone(), path.join("below")] {
        let error = ReportFolder::prepare(path).unwrap_err().to_string();
        assert!(error.ends_with("hint: name a folder"), "{error}");
    }
    fs::remove_file(path).unwrap();
}

#[test]
fn what_cannot_be_written_is_said_and_leaves_nothing_half_done() {
    let path = fresh("gone");
    let folder = ReportFolder::prepare(path.clone()).unwrap();
    // Somebody puts a folder where a report goes.
    fs::create_dir(path.join("junit.xml")).unwrap();
    let error = format!("{:#}", write(&folder).unwrap_err());
    assert!(error.contains("junit.xml"), "{error}");
    let others = ["junit.xml", "report.html", "report.md", "verdict.json"];
    assert_eq!(names(&path), others);
    fs::remove_dir_all(path).unwrap();
}

#[test]
fn a_full_disk_is_said_so() {
    let error = put(Path::new("/dev/full"), "x").unwrap_err().to_string();
    assert!(error.contains("\nhint: make room"), "{error}");
}
