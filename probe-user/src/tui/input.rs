//! The keyboard, read by a thread of its own: ended within a moment, and never waited for.

use std::fs::File;
use std::io::{self, IsTerminal, stdin};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crossterm::event;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use tokio::sync::mpsc;

use super::keys;
use super::message::Message;

/// How long the thread sleeps where nothing is typed; a change of size is seen this late.
const WAIT_MS: u8 = 50;

/// Messages from the keyboard. The channel closes when the terminal goes away.
pub struct Input {
    messages: mpsc::UnboundedReceiver<Message>,
    ended: Arc<AtomicBool>,
}

impl Input {
    /// Begins to read.
    pub fn start() -> anyhow::Result<Self> {
        let terminal = Keyboard::open()?;
        let (sender, messages) = mpsc::unbounded_channel();
        let ended = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&ended);
        // Not joined at the end: crossterm's read never returns once its terminal has hung up.
        thread::Builder::new()
            .name("keyboard".into())
            .spawn(move || while step(&terminal, &sender, &seen).is_ok() {})?;
        Ok(Self { messages, ended })
    }

    /// The next message; `None` once the terminal has gone away.
    pub async fn next(&mut self) -> Option<Message> {
        self.messages.recv().await
    }
}

impl Drop for Input {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
    }
}

/// Why the thread ends.
struct Ended;

fn step(
    terminal: &Keyboard,
    sender: &mpsc::UnboundedSender<Message>,
    ended: &AtomicBool,
) -> Result<(), Ended> {
    if ended.load(Ordering::SeqCst) || terminal.has_hung_up()? {
        return Err(Ended);
    }
    while event::poll(Duration::ZERO).map_err(|_| Ended)? {
        let event = event::read().map_err(|_| Ended)?;
        if let Some(message) = keys::message(&event) {
            sender.send(message).map_err(|_| Ended)?;
        }
    }
    Ok(())
}

/// The terminal that crossterm reads: stdin, or where that is none, the controlling one.
enum Keyboard {
    Stdin(io::Stdin),
    Controlling(File),
}

impl Keyboard {
    fn open() -> io::Result<Self> {
        if stdin().is_terminal() {
            Ok(Self::Stdin(stdin()))
        } else {
            File::open("/dev/tty").map(Self::Controlling)
        }
    }

    /// Waits a moment for a key; tells whether there will be none any more.
    fn has_hung_up(&self) -> Result<bool, Ended> {
        let mut fds = [PollFd::new(self.as_fd(), PollFlags::POLLIN)];
        match poll(&mut fds, PollTimeout::from(WAIT_MS)) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(_) => return Err(Ended),
        }
        let gone = PollFlags::POLLHUP | PollFlags::POLLERR | PollFlags::POLLNVAL;
        Ok(fds[0].revents().is_some_and(|seen| seen.intersects(gone)))
    }
}

impl AsFd for Keyboard {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Stdin(stdin) => stdin.as_fd(),
            Self::Controlling(file) => file.as_fd(),
        }
    }
}
