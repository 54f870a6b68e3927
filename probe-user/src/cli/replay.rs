//! `probe replay`: the dashboard over a game day that is past.

use std::{
    io::{self, IsTerminal},
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

use anyhow::{Result, bail};

use super::{Common, block_on, journal_place, picture, tell, watch};
use crate::{
    engine::replay::{Player, replay},
    journal::Film,
    mistake::Mistake,
    quantity,
};

/// Play a past game day's dashboard from its journal, at any speed
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  probe replay out/journal.jsonl --speed 4x
  probe replay out --from 30s
  probe replay out --from 30s --picture then.svg    how the dashboard looked then

Needs no root. Space pauses, + and - change the speed, . steps, Home begins anew, q quits.")]
pub struct ReplayArgs {
    /// The journal, or the folder that `probe run --report` left it in
    #[arg(value_name = "JOURNAL")]
    pub journal: PathBuf,
    /// How many times as fast as it went, as 4x or 0.5x
    #[arg(long, value_name = "N", default_value = "1x", value_parser = speed)]
    pub speed: f64,
    /// How far into it to begin
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = quantity::parse_duration)]
    pub from: Duration,
    /// Rather write how the dashboard looked at --from, as an SVG; needs no terminal
    #[arg(long, value_name = "FILE")]
    pub picture: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// Where the journal can't be read, or there is no terminal.
pub fn run(args: &ReplayArgs, common: &Common) -> Result<ExitCode> {
    if args.picture.is_none() && !(io::stdout().is_terminal() && io::stdin().is_terminal()) {
        bail!(
            "replay: stdin and stdout are no terminal\n\
             hint: --picture FILE needs none, nor does `probe report`"
        );
    }
    let journal = journal_place::open(&args.journal)?;
    let player = Player::new(Film::new(journal), args.speed, args.from);
    let Some(file) = &args.picture else {
        block_on(replay(player, watch::look(common)?))?;
        return Ok(ExitCode::SUCCESS);
    };
    let shown = player.picture();
    picture::save(&shown, file)?;
    tell(&format!(
        "picture: {} at {} of {}\n",
        file.display(),
        told(Duration::from_millis(shown.elapsed_ms)),
        told(player.length())
    ));
    Ok(ExitCode::SUCCESS)
}

fn told(time: Duration) -> String {
    quantity::words::duration(time, 1)
}

fn speed(text: &str) -> Result<f64, Mistake> {
    let number = text.trim().trim_end_matches(['x', '×']);
    let speed = number
        .parse()
        .ok()
        .filter(|it| (0.125..=256.0).contains(it));
    speed.ok_or_else(|| {
        Mistake::new(format!("{text} is no speed")).hint("as 4x or 0.5x; from 0.125x to 256x")
    })
}

#[cfg(test)]
mod tests {
    use super::speed;

    #[test]
    fn speeds_are_read() {
        assert_eq!(speed("4x").unwrap(), 4.0);
        assert_eq!(speed("0.5").unwrap(), 0.5);
        for wrong in ["", "x", "0x", "-1x", "NaN", "inf", "1000x", "fast"] {
            assert!(speed(wrong).is_err(), "{wrong}");
        }
    }
}
