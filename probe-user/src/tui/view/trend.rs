//! A minute of latency as bars, with the seconds marked in which a fault was armed.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;

use super::Scene;
use super::facts;
use crate::snapshot::{Breaker, SecondView};
use crate::tui::theme::Role;

/// Eighths of a cell, from none to all.
const EIGHTHS: [&str; 9] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
/// The seconds there are.
const MINUTE: u64 = 60;
/// The top of the scale is at least this many times the quickest second: steady latencies look
/// steady.
const HEADROOM: u64 = 5;
/// From this share of failed calls on, a second is shown as failed.
const FAILED: f64 = 0.05;

/// What one column of cells shows: one second, or some where it is narrow.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Slot {
    /// Whether there was such a second: nothing is drawn before the first.
    is_seen: bool,
    p50_us: Option<u64>,
    ok: u32,
    failed: u32,
    faulted: bool,
    abandoned: u32,
    breaker: Option<Breaker>,
}

/// Draws the seconds, newest at the right end. Below the bars there is a row for what became of
/// calls and for the breaker, where there are two rows or more, and of four rows the last one is
/// for the faults' time.
pub fn draw(scene: &Scene, area: Rect, buffer: &mut Buffer, seconds: &[SecondView]) {
    let now = scene.snapshot().elapsed_ms / 1_000;
    let slots = slots(seconds, now, area.width);
    let quickest = slots.iter().filter_map(|slot| slot.p50_us).min();
    let slowest = slots.iter().filter_map(|slot| slot.p50_us).max();
    let top = slowest
        .unwrap_or(1)
        .max(quickest.unwrap_or(1).saturating_mul(HEADROOM))
        .max(1);
    let (bars, has_faults) = match area.height {
        0 | 1 => (1, false),
        2 | 3 => (area.height - 1, false),
        height => (height - 2, true),
    };
    for (slot, x) in slots.iter().zip(area.x..area.right()) {
        if !slot.is_seen {
            continue;
        }
        let column = Rect {
            x,
            width: 1,
            height: bars,
            ..area
        };
        draw_bar(scene, column, buffer, slot, top);
        if bars < area.height {
            draw_mark(scene, (x, area.y + bars), buffer, slot.mark());
        }
        if has_faults && slot.faulted {
            let at = (x, area.y + bars + 1);
            draw_mark(scene, at, buffer, ("◆", Role::Fault));
        }
    }
}

fn draw_bar(scene: &Scene, column: Rect, buffer: &mut Buffer, slot: &Slot, top: u64) {
    let rows = u64::from(column.height);
    // What was answered is never nothing: at least one eighth.
    let eighths = |us: u64| (us.saturating_mul(rows * 8) / top).clamp(1, rows * 8);
    let height = slot.p50_us.map_or(0, eighths);
    for row in 0..rows {
        let below = (rows - 1 - row) * 8;
        let symbol = match slot.p50_us {
            Some(_) => EIGHTHS[height.saturating_sub(below).min(8) as usize],
            None if below > 0 => " ",
            None if slot.failed > 0 => "×",
            None => "·",
        };
        // Taller bars have their marks below, failures too.
        let role = match rows {
            1 => slot.role(),
            _ if slot.faulted => Role::Fault,
            _ => Role::Quiet,
        };
        let mut style = scene.style(role);
        if slot.faulted && rows == 1 {
            style = style.add_modifier(Modifier::UNDERLINED);
        }
        if let Some(cell) = buffer.cell_mut((column.x, column.y + row as u16)) {
            cell.set_symbol(symbol).set_style(style);
        }
    }
}

fn draw_mark(scene: &Scene, at: (u16, u16), buffer: &mut Buffer, (symbol, role): (&str, Role)) {
    if let Some(cell) = buffer.cell_mut(at) {
        cell.set_symbol(symbol).set_style(scene.style(role));
    }
}

impl Slot {
    fn has_failed(&self) -> bool {
        let calls = self.ok + self.failed;
        self.failed > 0 && f64::from(self.failed) >= FAILED * f64::from(calls)
    }

    /// What became of its calls, in a character.
    fn mark(&self) -> (&'static str, Role) {
        match self.breaker {
            Some(it @ (Breaker::Open | Breaker::HalfOpen)) => (facts::symbol(it), Role::Warning),
            _ if self.has_failed() && 2 * self.abandoned > self.failed => ("/", Role::Bad),
            _ if self.has_failed() => ("×", Role::Bad),
            _ if self.ok + self.failed == 0 => (" ", Role::Quiet),
            _ if self.faulted => ("━", Role::Fault),
            _ => ("┈", Role::Quiet),
        }
    }

    fn role(&self) -> Role {
        if self.has_failed() {
            Role::Bad
        } else if self.faulted {
            Role::Fault
        } else {
            Role::Quiet
        }
    }

    /// Takes in a second: of several in one slot, the slowest is shown.
    fn add(&mut self, second: &SecondView) {
        self.is_seen = true;
        self.p50_us = self.p50_us.max(second.p50_us);
        self.ok += second.ok;
        self.failed += second.failed;
        self.faulted |= second.faulted;
        self.abandoned += second.abandoned;
        let open = |it: &Option<Breaker>| match it {
            None => 0,
            Some(Breaker::Closed) => 1,
            Some(Breaker::HalfOpen) => 2,
            Some(Breaker::Open) => 3,
        };
        self.breaker = std::cmp::max_by_key(self.breaker, second.breaker, open);
    }
}

/// Seconds shared out to `width` slots. Slots begin at whole multiples of their length, so that a
/// second stays with its neighbours as the picture moves on.
fn slots(seconds: &[SecondView], now: u64, width: u16) -> Vec<Slot> {
    let width = u64::from(width);
    if width == 0 {
        return Vec::new();
    }
    let length = MINUTE.div_ceil(width).max(1);
    let mut slots = vec![Slot::default(); width as usize];
    for (age, second) in (0..).zip(seconds.iter().rev()) {
        let Some(at) = now.checked_sub(age) else {
            break;
        };
        let back = now / length - at / length;
        if back >= width {
            break;
        }
        slots[(width - 1 - back) as usize].add(second);
    }
    slots
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(p50_us: u64) -> SecondView {
        SecondView {
            p50_us: Some(p50_us),
            ok: 1,
            ..SecondView::default()
        }
    }

    #[test]
    fn a_slot_a_second_where_there_is_room() {
        let slots = slots(&[second(1), second(2)], 100, 60);
        assert_eq!(slots[59].p50_us, Some(2));
        assert_eq!(slots[58].p50_us, Some(1));
        assert_eq!(slots[57], Slot::default());
    }

    #[test]
    fn seconds_stay_with_their_neighbours() {
        let seconds: Vec<_> = (0..60).map(second).collect();
        let at_90 = slots(&seconds, 90, 20);
        let later: Vec<_> = (1..61).map(second).collect();
        let at_91 = slots(&later, 91, 20);
        assert_eq!(at_90[1..19], at_91[1..19]);
    }

    #[test]
    fn the_slowest_of_a_slot_is_shown() {
        let slots = slots(&[second(9), second(3), second(1)], 92, 20);
        assert_eq!(slots[19].p50_us, Some(9));
    }

    #[test]
    fn a_failure_among_many_calls_is_no_failed_second() {
        let slot = |ok, failed| Slot {
            ok,
            failed,
            ..Slot::default()
        };
        assert!(!slot(100, 1).has_failed());
        assert!(slot(9, 1).has_failed());
        assert!(!slot(0, 0).has_failed());
    }

    #[test]
    fn a_mark_tells_who_gave_up_and_what_the_breaker_does() {
        let slot = |failed, abandoned, breaker| Slot {
            ok: 10,
            failed,
            abandoned,
            breaker,
            faulted: true,
            ..Slot::default()
        };
        assert_eq!(slot(0, 0, None).mark().0, "━");
        assert_eq!(slot(8, 2, None).mark().0, "×");
        assert_eq!(slot(8, 7, Some(Breaker::Closed)).mark().0, "/");
        assert_eq!(slot(8, 7, Some(Breaker::Open)).mark().0, "○");
    }
}
