//! The guardian's own process. It alone stops processes, and continues them: told by probe, and
//! by itself when probe is gone, hangs, when the kill switch is thrown, or when a fault's time is
//! over. It knows them by the kernel's maps, as the programs do that look at packets.
//!
//! One word of an answer a line: `stop RULE PID STARTED`, `go RULE`, `ping`.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{ErrorKind, Read, Write},
    os::{fd::AsFd, unix::net::UnixStream},
    time::Duration,
};

use super::{
    super::{delay_line::prefer_this_thread, pidfd::PidFd, process::Stat},
    Answer, MapIds,
    switches::Switches,
};
use anyhow::{Context, Result};
use nix::{
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::{
        prctl,
        signal::{SigHandler, Signal, signal},
    },
};

/// How often the switches are looked at.
const LOOK: Duration = Duration::from_millis(10);
/// The longest line that makes sense.
const LONGEST: usize = 256;

/// A process that is stopped.
struct Stopped {
    process: PidFd,
    /// For the sake of which faults.
    rules: BTreeSet<u32>,
}

struct Guard {
    switches: Switches,
    stopped: BTreeMap<(u32, u64), Stopped>,
    /// Whether no fault of this probe ever holds again.
    over: bool,
}

/// Is the guardian until standard input ends.
///
/// # Errors
/// Where the maps aren't there any more; nothing is stopped then.
pub fn run(ids: MapIds) -> Result<()> {
    prctl::set_name(c"probe-guardian").context("guardian: taking a name")?;
    for ignored in [
        Signal::SIGINT,
        Signal::SIGTERM,
        Signal::SIGHUP,
        Signal::SIGQUIT,
    ] {
        // SAFETY: ignoring a signal runs no handler.
        unsafe { signal(ignored, SigHandler::SigIgn) }.context("guardian: ignoring signals")?;
    }
    hold_as_many_as_may_be();
    // Also on a machine that a fault has brought to its knees.
    let _ = prefer_this_thread();
    let mut guard = Guard {
        switches: Switches::open(ids)?,
        stopped: BTreeMap::new(),
        over: false,
    };
    let line = UnixStream::from(std::io::stdin().as_fd().try_clone_to_owned()?);
    line.set_nonblocking(true)?;
    guard.answer_until_the_end(&line);
    guard.release_all();
    Ok(())
}

impl Guard {
    fn answer_until_the_end(&mut self, mut line: &UnixStream) {
        let _ = line.write_all(Answer::Ready.line().as_bytes());
        let mut heard = Vec::new();
        loop {
            let mut waiting = [PollFd::new(line.as_fd(), PollFlags::POLLIN)];
            let _ = poll(&mut waiting, PollTimeout::from(LOOK.as_millis() as u16));
            self.look();
            let mut bytes = [0; 4_096];
            match line.read(&mut bytes) {
                Ok(0) => return,
                Ok(count) => heard.extend_from_slice(&bytes[..count]),
                Err(error) if is_nothing(&error) => {}
                Err(_) => return,
            }
            while let Some(end) = heard.iter().position(|&byte| byte == b'\n') {
                let words: Vec<u8> = heard.drain(..=end).collect();
                let answer = self.answer(&String::from_utf8_lossy(&words));
                // Probe waits for each answer, so that there is always room for one.
                if line.write_all(answer.line().as_bytes()).is_err() {
                    return;
                }
            }
            if heard.len() > LONGEST {
                return;
            }
        }
    }

    fn answer(&mut self, words: &str) -> Answer {
        let words: Vec<&str> = words.split_whitespace().collect();
        match words[..] {
            ["stop", rule, pid, started] => match (rule.parse(), pid.parse(), started.parse()) {
                (Ok(rule), Ok(pid), Ok(started)) => self.stop(rule, pid, started),
                _ => Answer::Failed,
            },
            ["go", rule] => match rule.parse() {
                Ok(rule) => {
                    self.release(rule);
                    Answer::Done
                }
                Err(_) => Answer::Failed,
            },
            ["ping"] => Answer::Done,
            _ => Answer::Failed,
        }
    }

    fn stop(&mut self, rule: u32, pid: u32, started: u64) -> Answer {
        self.look();
        if self.over || self.switches.is_over(rule) {
            return Answer::Over;
        }
        if let Some(stopped) = self.stopped.get_mut(&(pid, started)) {
            stopped.rules.insert(rule);
            return Answer::Done;
        }
        let process = match PidFd::open(pid, started) {
            Ok(Some(process)) => process,
            Ok(None) => return Answer::Gone,
            Err(_) => return Answer::Failed,
        };
        // Whoever stopped it will continue it.
        if Stat::of(pid).is_some_and(|it| it.is_stopped()) {
            return Answer::WasStopped;
        }
        match process.signal(libc::SIGSTOP) {
            Ok(true) => {
                let rules = BTreeSet::from([rule]);
                self.stopped
                    .insert((pid, started), Stopped { process, rules });
                Answer::Done
            }
            Ok(false) => Answer::Gone,
            Err(_) => Answer::Failed,
        }
    }

    /// Looks at the switches, and continues what is not to be stopped any more.
    fn look(&mut self) {
        self.over |= self.switches.are_over();
        if self.over {
            return self.release_all();
        }
        let rules = self.stopped.values().flat_map(|it| it.rules.iter());
        let rules: BTreeSet<u32> = rules.copied().collect();
        for rule in rules {
            if self.switches.is_over(rule) {
                self.release(rule);
            }
        }
    }

    /// Continues what is stopped for the sake of one fault alone.
    fn release(&mut self, rule: u32) {
        self.stopped.retain(|_, stopped| {
            stopped.rules.remove(&rule);
            let goes_on = stopped.rules.is_empty();
            if goes_on {
                let _ = stopped.process.signal(libc::SIGCONT);
            }
            !goes_on
        });
    }

    fn release_all(&mut self) {
        for stopped in std::mem::take(&mut self.stopped).into_values() {
            // One that has ended needs no continuing.
            let _ = stopped.process.signal(libc::SIGCONT);
        }
    }
}

/// A process that is stopped takes a descriptor: as many as the hard limit lets be, of which there
/// are more than of the usual one. Beyond, a process is left alone, and told as an error.
fn hold_as_many_as_may_be() {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: both calls read or write that one struct, which lives.
    unsafe {
        if libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) == 0 {
            limit.rlim_cur = limit.rlim_max;
            libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit);
        }
    }
}

fn is_nothing(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}
