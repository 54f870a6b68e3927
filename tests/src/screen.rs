//! probe's dashboard on a terminal of its own: keys go in, what it writes is kept as text.

use std::{
    fs::{self, File},
    io::{Read, Write},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use nix::pty::{Winsize, openpty};

use crate::{
    patience::{LONG, wait_for},
    programs,
};

/// A dashboard. Killed when dropped.
pub struct Screen {
    child: Child,
    keyboard: File,
    written: Arc<Mutex<String>>,
    /// The same as a terminal shows it.
    shown: Arc<Mutex<vt100::Parser>>,
    /// Over once nobody writes to the terminal any more, and all of it was read.
    reader: JoinHandle<()>,
    /// Where in what was written the next words are looked for.
    read: usize,
    started: Instant,
}

impl Screen {
    /// Starts probe with arguments separated by spaces, on a terminal of so many columns and rows.
    ///
    /// # Errors
    /// Where there is no probe, or no terminal to be had.
    pub fn start(arguments: &str, (columns, rows): (u16, u16)) -> Result<Self> {
        let size = Winsize {
            ws_row: rows,
            ws_col: columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        let pty = openpty(Some(&size), None).context("opening a terminal")?;
        let end = || pty.slave.try_clone().map(Stdio::from);
        let mut command = Command::new(programs::probe()?);
        let started = Instant::now();
        let child = command
            .args(arguments.split_whitespace())
            .env("TERM", "xterm-256color")
            .stdin(end()?)
            .stdout(end()?)
            .stderr(end()?)
            .spawn()
            .context("starting the dashboard")?;
        drop(command);
        let keyboard = File::from(pty.master);
        let mut output = keyboard.try_clone()?;
        let written = Arc::new(Mutex::new(String::new()));
        let writing = Arc::clone(&written);
        let shown = Arc::new(Mutex::new(vt100::Parser::new(rows, columns, 0)));
        let showing = Arc::clone(&shown);
        let reader = thread::spawn(move || {
            let mut bytes = [0; 16_384];
            // Fails once nobody has the terminal open any more.
            while let Ok(count @ 1..) = output.read(&mut bytes) {
                let mut shown = showing.lock().unwrap_or_else(PoisonError::into_inner);
                shown.process(&bytes[..count]);
                drop(shown);
                let text = String::from_utf8_lossy(&bytes[..count]);
                let mut written = writing.lock().unwrap_or_else(PoisonError::into_inner);
                written.push_str(&text);
            }
        });
        Ok(Self {
            child,
            keyboard,
            written,
            shown,
            reader,
            read: 0,
            started,
        })
    }

    /// Waits until a word is written after those that were waited for before; gives how long that
    /// was after the start.
    ///
    /// # Errors
    /// Where it isn't, with what was.
    pub fn wait_for(&mut self, word: &str) -> Result<Duration> {
        self.wait_so_long_for(word, LONG)
    }

    /// The same, for as long as that takes.
    ///
    /// # Errors
    /// As [`Self::wait_for`].
    pub fn wait_so_long_for(&mut self, word: &str, limit: Duration) -> Result<Duration> {
        let written = Arc::clone(&self.written);
        let text = || {
            let text = written.lock().unwrap_or_else(PoisonError::into_inner);
            text.clone()
        };
        let at = wait_for(&format!("{word:?} on the screen"), limit, || {
            let is_all = self.reader.is_finished();
            let found = text()[self.read..].find(word);
            if found.is_none() && is_all {
                bail!("the dashboard ended");
            }
            Ok(found)
        })
        .with_context(|| text()[self.read..].to_owned())?;
        self.read += at + word.len();
        Ok(self.started.elapsed())
    }

    /// Waits until words are shown, wherever, whenever they were written; gives the time.
    ///
    /// # Errors
    /// Where they aren't, with what is.
    pub fn wait_until_shown(&self, words: &str) -> Result<Instant> {
        self.wait_so_long_until_shown(words, LONG)
    }

    /// The same, for as long as that takes.
    ///
    /// # Errors
    /// As [`Self::wait_until_shown`].
    pub fn wait_so_long_until_shown(&self, words: &str, limit: Duration) -> Result<Instant> {
        let contents = || {
            let shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
            shown.screen().contents()
        };
        let is_shown = || Ok(contents().contains(words).then(Instant::now));
        wait_for(&format!("{words:?} to be shown"), limit, is_shown).with_context(contents)
    }

    /// Types.
    ///
    /// # Errors
    /// Where there is nobody to type to.
    pub fn press(&mut self, keys: &str) -> Result<()> {
        self.keyboard.write_all(keys.as_bytes())?;
        Ok(())
    }

    /// Kills it, as nothing can be done against.
    ///
    /// # Errors
    /// Where it is gone.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// Where it doesn't end.
    pub fn finish(&mut self) -> Result<ExitStatus> {
        wait_for("the dashboard to end", LONG, || {
            Ok(self.child.try_wait()?)
        })
    }

    /// Waits until no process that it started runs any more.
    ///
    /// # Errors
    /// Where one stays that long.
    pub fn wait_until_alone(&self, limit: Duration) -> Result<()> {
        let pid = self.child.id();
        let tasks = format!("/proc/{pid}/task");
        fs::read_to_string(format!("{tasks}/{pid}/children")).context("no list of children")?;
        wait_for("what the dashboard started to end", limit, || {
            for task in fs::read_dir(&tasks)? {
                // A thread that has ended meanwhile has no children.
                let children = fs::read_to_string(task?.path().join("children"));
                let children = children.unwrap_or_default();
                if !children.trim().is_empty() {
                    return Ok(None);
                }
            }
            Ok(Some(()))
        })
    }

    /// Processor time that it has taken so far.
    ///
    /// # Errors
    /// Where it is gone.
    pub fn processor_time(&self) -> Result<Duration> {
        const TICKS_A_SECOND: u64 = 100;
        let path = format!("/proc/{}/stat", self.child.id());
        let text = fs::read_to_string(&path).with_context(|| path.clone())?;
        // Behind the name, which may have anything in it: user and system time are the twelfth
        // and thirteenth.
        let (_, fields) = text.rsplit_once(')').context("no name in it")?;
        let ticks = fields.split_whitespace().skip(11).take(2);
        let ticks: u64 = ticks.filter_map(|it| it.parse::<u64>().ok()).sum();
        Ok(Duration::from_millis(ticks * 1_000 / TICKS_A_SECOND))
    }

    /// How many bytes it has written so far.
    pub fn written(&self) -> usize {
        let written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        written.len()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
