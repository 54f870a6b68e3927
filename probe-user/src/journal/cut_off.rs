//! The verdict of a journal: the one that it ends with, or where probe was killed before there
//! was one, what is known of the game day up to then.

use std::time::Duration;

use serde_json::Value;

use super::{Journal, line::Second};
use crate::{
    mistake::Mistake,
    quantity::words,
    snapshot::{TimelineEntry, TimelineKind},
    verdict::{
        Verdict, VerdictKind,
        course::{Course, Moment, Track},
    },
};

/// Seconds are what the course of a journal is told in.
const STEP_MS: u64 = 1_000;

/// No game day is longer than a week: a second after that wasn't written by probe.
const MOST_SECONDS: u64 = 7 * 86_400;

impl Journal {
    /// What came of the game day, as the run itself told it, or would have, had it been aborted
    /// at the journal's last word.
    ///
    /// # Errors
    /// Where what stands there is no verdict.
    pub fn verdict(&self) -> Result<Verdict, Mistake> {
        match (&self.end, &self.standing) {
            (Some(verdict), _) => Ok(verdict.clone()),
            (None, Some(standing)) => self.cut_off(standing),
            (None, None) => Err(Mistake::new("journal: there is no verdict in it")),
        }
    }

    fn cut_off(&self, standing: &Value) -> Result<Verdict, Mistake> {
        let mut standing = standing.clone();
        if let Some(members) = standing.as_object_mut() {
            members.insert("timeline".into(), Value::Array(vec![]));
        }
        let mut verdict: Verdict = serde_json::from_value(standing).map_err(|error| {
            Mistake::new(format!("journal: its verdict can't be read: {error}"))
        })?;
        verdict.kind = VerdictKind::Aborted;
        verdict.reason = remark(self.until_ms);
        verdict.began_unix_s = self.begin.began_unix_s;
        let own = self.events.iter().filter(|it| it.of_game_day);
        verdict.timeline = own.map(|it| it.entry.clone()).collect();
        verdict.timeline.push(self.last_word());
        self.fill(&mut verdict.course);
        verdict.reckon(self.begin.slo.as_ref());
        Ok(verdict)
    }

    /// What a timeline ends with where the journal was cut off.
    pub(super) fn last_word(&self) -> TimelineEntry {
        TimelineEntry {
            at_ms: self.until_ms,
            kind: TimelineKind::Alarm,
            text: remark(self.until_ms),
        }
    }

    fn fill(&self, course: &mut Course) {
        course.step_ms = STEP_MS;
        let place = |it: &Second| it.service.at_ms / STEP_MS;
        let seconds = || self.seconds.iter().filter(|it| place(it) < MOST_SECONDS);
        let length = seconds().map(|it| place(it) + 1).max().unwrap_or(0);
        // One that isn't there, as where a line can't be read, is one in which nothing was seen.
        let nothing = |n: u64| Moment {
            at_ms: n * STEP_MS,
            ..Moment::default()
        };
        let tracks = &mut course.dependencies;
        for track in [&mut course.service].into_iter().chain(tracks.iter_mut()) {
            track.moments = (0..length).map(nothing).collect();
        }
        for second in seconds() {
            set(&mut course.service, second.service);
            for (track, moment) in tracks.iter_mut().zip(&second.dependencies) {
                set(track, *moment);
            }
        }
    }
}

/// Puts a moment where it belongs.
fn set(track: &mut Track, moment: Moment) {
    let place = usize::try_from(moment.at_ms / STEP_MS).ok();
    if let Some(it) = place.and_then(|place| track.moments.get_mut(place)) {
        *it = moment;
    }
}

/// That it was cut off, and when.
pub(super) fn remark(until_ms: u64) -> String {
    let after = words::duration(Duration::from_millis(until_ms), 1);
    format!("cut off after {after}: the journal has no end, as where probe was killed")
}
