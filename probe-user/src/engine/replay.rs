//! The dashboard over a game day that is past, played from its journal.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, Result};
use tokio::time::Instant;

use super::{
    run::ticker,
    screen::{Said, Screen},
    signals::Signals,
};
use crate::{
    journal::Film,
    snapshot::{ReplayView, Snapshot},
    tui::{self, Command, Replay},
};

/// How slow and how fast it goes at most.
const SPEEDS: (f64, f64) = (0.125, 256.0);

/// Plays a journal until the person leaves or a signal comes.
///
/// # Errors
/// Where there is no terminal, or it goes away.
pub async fn replay(mut player: Player, look: tui::Options) -> Result<()> {
    let mut signals = Signals::take()?;
    let mut screen = Screen::open(player.picture(), look).await;
    let mut tick = ticker();
    let mut last = Instant::now();
    loop {
        tokio::select! {
            _ = tick.tick() => {
                player.go_on(last.elapsed());
                last = Instant::now();
                screen.show(Arc::new(player.picture()));
            }
            said = screen.next() => match said {
                Said::Asked(Command::Replay(wanted)) => {
                    player.obey(wanted);
                    screen.show(Arc::new(player.picture()));
                }
                Said::Asked(_) => {}
                Said::Ended => break,
            },
            _ = signals.any() => break,
        }
    }
    screen.close().await.0.context("the dashboard")
}

/// A film, where it is and how fast it goes.
pub struct Player {
    film: Film,
    at_ms: f64,
    speed: f64,
    is_paused: bool,
}

impl Player {
    /// Plays a film from some time on.
    pub fn new(film: Film, speed: f64, from: Duration) -> Self {
        let mut player = Self {
            film,
            at_ms: from.as_secs_f64() * 1e3,
            speed: speed.clamp(SPEEDS.0, SPEEDS.1),
            is_paused: false,
        };
        player.go_on(Duration::ZERO);
        player
    }

    /// How long it is.
    pub fn length(&self) -> Duration {
        Duration::from_millis(self.film.length_ms())
    }

    /// Lets time pass; at the end it stands still.
    fn go_on(&mut self, by: Duration) {
        if !self.is_paused {
            self.at_ms += by.as_secs_f64() * 1e3 * self.speed;
        }
        let end = self.film.length_ms() as f64;
        if self.at_ms >= end {
            (self.at_ms, self.is_paused) = (end, true);
        }
        self.film.go_to(self.at_ms as u64);
    }

    fn obey(&mut self, wanted: Replay) {
        match wanted {
            Replay::Pause if self.film.next_ms().is_none() => self.restart(),
            Replay::Pause => self.is_paused = !self.is_paused,
            Replay::Faster => self.speed = (self.speed * 2.0).min(SPEEDS.1),
            Replay::Slower => self.speed = (self.speed / 2.0).max(SPEEDS.0),
            Replay::Restart => self.restart(),
            Replay::Step => {
                self.is_paused = true;
                if let Some(next) = self.film.next_ms() {
                    self.at_ms = next as f64;
                }
            }
        }
        self.go_on(Duration::ZERO);
    }

    fn restart(&mut self) {
        (self.at_ms, self.is_paused) = (0.0, false);
    }

    /// What the dashboard shows.
    pub fn picture(&self) -> Snapshot {
        Snapshot {
            replay: Some(ReplayView {
                speed: self.speed,
                is_paused: self.is_paused,
                length_ms: self.film.length_ms(),
            }),
            ..self.film.picture()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::tests::journal;

    fn player(from_s: u64) -> Player {
        let film = Film::new(journal(10_000));
        Player::new(film, 4.0, Duration::from_secs(from_s))
    }

    #[test]
    fn time_goes_as_fast_as_it_is_told() {
        let mut it = player(2);
        assert_eq!(it.picture().elapsed_ms, 2_000);
        it.go_on(Duration::from_millis(500));
        assert_eq!(it.picture().elapsed_ms, 4_000);
        it.obey(Replay::Slower);
        it.go_on(Duration::from_millis(500));
        assert_eq!(it.picture().elapsed_ms, 5_000);
        it.obey(Replay::Pause);
        it.go_on(Duration::from_secs(9));
        assert_eq!(it.picture().elapsed_ms, 5_000);
        it.obey(Replay::Step);
        assert_eq!(it.picture().elapsed_ms, 5_250);
        assert!(it.picture().replay.unwrap().is_paused);
        it.obey(Replay::Restart);
        assert_eq!(it.picture().elapsed_ms, 0);
        assert!(!it.picture().replay.unwrap().is_paused);
    }

    #[test]
    fn at_its_end_it_stands_still_and_space_begins_anew() {
        let mut it = player(9);
        it.go_on(Duration::from_secs(60));
        let last = it.picture();
        assert_eq!(last.elapsed_ms, 10_000);
        assert!(last.replay.unwrap().is_paused);
        it.obey(Replay::Step);
        assert_eq!(it.picture().elapsed_ms, 10_000);
        it.obey(Replay::Pause);
        assert_eq!(it.picture().elapsed_ms, 0);
        assert_eq!(player(3_600).picture().elapsed_ms, 10_000);
    }

    #[test]
    fn speeds_have_ends() {
        let mut it = player(0);
        (0..50).for_each(|_| it.obey(Replay::Faster));
        assert_eq!(it.speed, SPEEDS.1);
        (0..50).for_each(|_| it.obey(Replay::Slower));
        assert_eq!(it.speed, SPEEDS.0);
    }
}
