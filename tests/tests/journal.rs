//! The journal of a game day: readable to the last second however the run ends, and never what
//! a run fails by.

use std::{
    fs,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;
use serde_json::Value;
use tests::{Ended, Probe, lab::Lab, patience::wait_for, priority, programs, turn::Turn};

const PATIENCE: Duration = Duration::from_secs(60);

/// As the reports' files are called, and how each is asked for.
const REPORTS: [(&str, &str); 4] = [
    ("verdict.json", "json"),
    ("junit.xml", "junit"),
    ("report.md", "markdown"),
    ("report.html", "html"),
];

/// A shop, and a game day that is in its fault for as long as a test wants.
struct Day {
    lab: Lab,
    folder: tempfile::TempDir,
}

impl Day {
    fn new() -> Result<Self> {
        Ok(Self {
            lab: Lab::up("--rate 50")?,
            folder: tempfile::tempdir()?,
        })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes the scenario, with a step of its own.
    fn scenario(&self, step: &str) -> Result<String> {
        let file = self.path("day.toml");
        let text = format!(
            "name = \"day\"\n[service]\nname = \"shop\"\nlisten = 8080\nnetns = \"{}\"\n\
             [[dependency]]\nname = \"payments\"\nto = [\"10.77.1.2:8080\"]\n\
             [steady_state]\nfor = \"1s\"\nsuccess_rate = \">= 50%\"\n\
             [[step]]\nat = \"0s\"\n{step}\n",
            self.lab.netns("shop")
        );
        fs::write(&file, text)?;
        Ok(file.display().to_string())
    }

    /// Starts it with reports, and waits until its fault holds.
    fn start(&self) -> Result<Probe> {
        let slow = "for = \"50s\"\non = \"payments\"\nfault = \"delay\"\ndelay = \"100ms\"\n\
                    [expect]\nsuccess_rate = \">= 1%\"";
        let scenario = self.scenario(slow)?;
        let mut command = Command::new(programs::probe()?);
        command
            .args(["run", &scenario, "--headless", "--slo", "99%", "--report"])
            .arg(self.path("out"));
        // A busy machine isn't to be taken for a journal that lags.
        priority::favour(&mut command);
        let mut probe = Probe::spawn(command)?;
        probe.wait_for("armed for")?;
        Ok(probe)
    }

    fn journal(&self) -> PathBuf {
        self.path("out").join("journal.jsonl")
    }
}

/// Runs a command of probe's, as somebody who may do nothing that others may not.
fn unprivileged(arguments: &str) -> Result<Ended> {
    let mut command = Command::new("setpriv");
    command
        .args(["--bounding-set=-all", "--inh-caps=-all"])
        .arg(programs::probe()?)
        .args(arguments.split_whitespace());
    Probe::spawn(command)?.finish()
}

/// The time of the last moment in a journal that is being written.
fn last_moment(file: &Path) -> Result<u64> {
    let text = String::from_utf8_lossy(&fs::read(file)?).into_owned();
    let whole = text.rsplit_once('\n').context("no line yet")?.0;
    let lines = whole
        .lines()
        .rev()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut moments = lines.filter(|line| line["line"] == "moment");
    moments
        .next()
        .and_then(|it| it["at_ms"].as_u64())
        .context("no moment yet")
}

/// Waits until a moment is written that wasn't there, and some time after a first one.
fn wait_for_moment(file: &Path, after: u64) -> Result<u64> {
    wait_for("a moment in the journal", PATIENCE, || {
        Ok(last_moment(file).ok().filter(|it| *it > after))
    })
}

#[test]
#[ignore = "needs root"]
fn killed_in_its_midst_it_is_read_to_the_last_second() -> Result<()> {
    let _turn = Turn::together()?;
    let day = Day::new()?;
    let probe = day.start()?;
    let first = wait_for_moment(&day.journal(), 0)?;
    // In the fault for a while, then right after a moment was written.
    let at_ms = wait_for_moment(&day.journal(), first + 3_000)?;
    let since = Instant::now();
    // Somebody's hand; there is nothing to wait for.
    thread::sleep(Duration::from_millis(1_430));
    let killed_ms = at_ms + since.elapsed().as_millis() as u64;
    let ended = probe.end(Signal::SIGKILL)?;
    ensure!(ended.code() == -9, "{ended:?}");
    let told_ms = last_moment(&day.journal())?;
    println!("killed at about {killed_ms} ms, the journal goes to {told_ms} ms");
    ensure!(told_ms + 1_000 >= killed_ms, "{told_ms} of {killed_ms} ms");

    hold_report(&day, killed_ms)?;
    hold_picture(&day, killed_ms)?;
    let file = fs::File::options().write(true).open(day.journal())?;
    let length = file.metadata()?.len();
    file.set_len(length - 5)?;
    let out = day.path("out").display().to_string();
    let torn = unprivileged(&format!("report {out} --format json"))?;
    ensure!(torn.code() == 0, "{torn:?}");
    ensure!(torn.stderr.contains("last line is torn"), "{torn:?}");
    ensure!(torn.json()?["verdict"] == "aborted", "{torn:?}");
    // One that was written over is none.
    file.write_all_at(b"what", 0)?;
    for command in ["report", "replay --picture /dev/null"] {
        let broken = unprivileged(&format!("{command} {out}"))?;
        ensure!(broken.code() == 2, "{broken:?}");
        ensure!(
            broken.stderr.contains("no journal of probe's"),
            "{broken:?}"
        );
    }
    Ok(())
}

/// What can be told of it is.
fn hold_report(day: &Day, killed_ms: u64) -> Result<()> {
    let out = day.path("out").display().to_string();
    let ended = unprivileged(&format!("report {out} --format json"))?;
    ensure!(ended.code() == 0, "{ended:?}");
    ensure!(ended.stderr.contains("cut off after"), "{ended:?}");
    let verdict = ended.json()?;
    ensure!(verdict["verdict"] == "aborted" && verdict["exit_code"] == 3);
    let reason = verdict["reason"].as_str().unwrap_or_default();
    ensure!(reason.starts_with("cut off after"), "{reason}");
    let delayed = verdict["faults"][0]["counters"]["delayed"].as_u64();
    ensure!(delayed.is_some_and(|it| it > 10), "{verdict:#}");
    ensure!(verdict["metrics"]["availability"].is_number());
    ensure!(verdict["metrics"]["error_budget"]["burnt"].is_number());
    let moments = verdict["course"]["service"]["moments"].as_array();
    let moments = moments.context("no course")?;
    ensure!(
        moments.len() as u64 * 1_000 + 2_500 >= killed_ms,
        "{} s",
        moments.len()
    );
    let calls = moments.iter().filter_map(|it| it["ok"].as_u64());
    ensure!(calls.sum::<u64>() > 100, "{moments:?}");
    let armed = |it: &Value| {
        it["text"]
            .as_str()
            .is_some_and(|it| it.starts_with("armed"))
    };
    let timeline = verdict["timeline"].as_array().context("no timeline")?;
    ensure!(timeline.iter().any(armed), "{timeline:?}");
    for (_, format) in REPORTS {
        let made = unprivileged(&format!("report {out} --format {format}"))?;
        ensure!(
            made.code() == 0 && made.stdout.contains("cut off"),
            "{made:?}"
        );
    }
    Ok(())
}

/// The dashboard, as it was at the end.
fn hold_picture(day: &Day, killed_ms: u64) -> Result<()> {
    let (out, svg) = (day.path("out"), day.path("last.svg"));
    let replay = format!("replay {} --from 1h", out.display());
    let ended = unprivileged(&format!("{replay} --picture {}", svg.display()))?;
    ensure!(ended.code() == 0, "{ended:?}");
    let picture = fs::read_to_string(&svg)?;
    ensure!(picture.contains("ABORTED") && picture.contains("payments"));
    let shown = last_moment(&day.journal())?;
    ensure!(shown + 1_000 >= killed_ms, "{shown} of {killed_ms} ms");
    let clock = format!("{:02}:{:02}", shown / 60_000, shown / 1_000 % 60);
    ensure!(picture.contains(&clock), "no {clock}");
    let blind = unprivileged(&replay)?;
    ensure!(blind.code() == 2, "{blind:?}");
    ensure!(blind.stderr.contains("no terminal"), "{blind:?}");
    Ok(())
}

#[test]
#[ignore = "needs root"]
fn stopped_it_leaves_all_of_them_and_each_is_made_again_to_the_byte() -> Result<()> {
    let _turn = Turn::together()?;
    let day = Day::new()?;
    let probe = day.start()?;
    let ended = probe.end(Signal::SIGTERM)?;
    ensure!(ended.code() == 3, "{ended:?}");
    let journal = day.journal();
    ensure!(
        ended
            .stderr
            .contains(&format!("journal: {}", journal.display()))
    );
    for (name, format) in REPORTS {
        let written = fs::read_to_string(day.path("out").join(name)).context(name)?;
        let again = unprivileged(&format!("report {} --format {format}", journal.display()))?;
        ensure!(again.code() == 0 && again.stderr.is_empty(), "{again:?}");
        ensure!(again.stdout == written, "{name} differs");
        let copy = day.path("copy");
        let to = format!("--format {format} --to {}", copy.display());
        let ended = unprivileged(&format!("report {} {to}", journal.display()))?;
        ensure!(ended.code() == 0 && fs::read_to_string(&copy)? == written);
    }
    Ok(())
}

#[test]
#[ignore = "needs root"]
fn no_room_and_no_place_for_it_spoil_no_run() -> Result<()> {
    let _turn = Turn::together()?;
    let day = Day::new()?;
    let scenario = day.scenario("run = [\"true\"]")?;
    let probe = programs::probe()?;
    let small = day.path("small");
    fs::create_dir(&small)?;
    let run = |shell: &str, state: &Path| -> Result<Ended> {
        let mut command = Command::new("unshare");
        command
            .args(["--mount", "sh", "-c", shell, "sh"])
            .arg(&small)
            .arg(&probe)
            .args(["run", &scenario, "--headless"])
            .env("XDG_STATE_HOME", state);
        Probe::spawn(command)?.finish_within(PATIENCE)
    };
    // Room for its first lines, and for none of what follows.
    let mount = "mount -t tmpfs -o size=8k none \"$1\"; shift; exec \"$@\"";
    let full = run(mount, &small)?;
    ensure!(full.code() == 0, "{full:?}");
    let told = full.stderr.matches("No space left").count();
    ensure!(
        full.stderr.contains("the journal can't be written"),
        "{full:?}"
    );
    ensure!(
        full.stderr.contains(", incomplete: No space left") && told == 2,
        "{full:?}"
    );

    let nowhere = run("shift; exec \"$@\"", Path::new("/dev/null/state"))?;
    ensure!(nowhere.code() == 0, "{nowhere:?}");
    ensure!(
        nowhere.stderr.contains("warning: there is no journal"),
        "{nowhere:?}"
    );

    let kept = run("shift; exec \"$@\"", &day.path("state"))?;
    ensure!(kept.code() == 0, "{kept:?}");
    let path = kept
        .stderr
        .split("journal: ")
        .nth(1)
        .context("no journal")?;
    let report = unprivileged(&format!("report {} --format json", path.trim()))?;
    ensure!(report.json()?["verdict"] == "passed", "{report:?}");
    Ok(())
}
