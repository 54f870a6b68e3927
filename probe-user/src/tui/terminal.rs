//! The terminal, taken and given back: at the end, after an error, and before a panic is told.

use std::io::{IsTerminal, Stdout, stdout};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use crossterm::cursor::Show;
use crossterm::event::{DisableMouseCapture, EnableMouseCapture};
use crossterm::terminal::{
    BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate, EnterAlternateScreen,
    LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use crossterm::{execute, queue};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;

/// Whether the terminal is ours. What gives it back is whoever turns this off, once.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// The terminal in raw mode, on its other screen; given back when dropped.
pub struct Screen {
    terminal: Terminal<CrosstermBackend<Stdout>>,
}

impl Screen {
    /// Takes the terminal. Fails where stdout is none.
    pub fn take() -> anyhow::Result<Self> {
        if !stdout().is_terminal() {
            anyhow::bail!("showing the dashboard: stdout is no terminal");
        }
        give_back_on_panic();
        TAKEN.store(true, Ordering::SeqCst);
        Self::enter().inspect_err(|_| give_back())
    }

    /// Draws a frame. Fails where the terminal is no longer ours.
    pub fn draw(&mut self, frame: impl FnOnce(&mut ratatui::Frame)) -> anyhow::Result<()> {
        if !TAKEN.load(Ordering::SeqCst) {
            anyhow::bail!("drawing the dashboard: a panic elsewhere gave the terminal back");
        }
        // What comes in between is shown at once, by terminals that know how: nothing flickers.
        queue!(stdout(), BeginSynchronizedUpdate)?;
        let drawn = self.terminal.draw(frame).map(drop);
        execute!(stdout(), EndSynchronizedUpdate)?;
        drawn.context("drawing the dashboard")
    }

    fn enter() -> anyhow::Result<Self> {
        enable_raw_mode().context("switching the terminal to raw mode")?;
        // Not by ratatui's own clear: that asks the terminal where its cursor is, and waits.
        let clear = Clear(ClearType::All);
        execute!(stdout(), EnterAlternateScreen, EnableMouseCapture, clear)
            .context("switching the terminal's screen")?;
        let terminal = Terminal::new(CrosstermBackend::new(stdout()))?;
        Ok(Self { terminal })
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

/// Gives the terminal back, where that has not been done. Errors are of no use to anyone here: a
/// terminal that can't be written to is gone.
fn give_back() {
    if TAKEN.swap(false, Ordering::SeqCst) {
        let _ = queue!(stdout(), DisableMouseCapture, LeaveAlternateScreen, Show);
        let _ = execute!(stdout());
        let _ = disable_raw_mode();
    }
}

/// Has the terminal given back before any panic's message is printed, in whichever thread.
fn give_back_on_panic() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let told_before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            give_back();
            told_before(panic);
        }));
    });
}
