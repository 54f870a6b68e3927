//! The frame of a chart: scales, grid, time, and the windows of faults behind the lines.

use crate::report::escape::xml;
use crate::verdict::course::{Course, SpanMs};

const WIDTH: f64 = 760.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 8.0;
const BOTTOM: f64 = 26.0;

/// The most labels along the time.
const MOST_TICKS: u64 = 10;

/// A line of a chart: its class, and its points in time; gaps are gaps.
pub(super) struct Line {
    /// How it is drawn: "one", "two" or "limit".
    pub(super) class: &'static str,
    /// When, in milliseconds, and how much.
    pub(super) points: Vec<(u64, Option<f64>)>,
}

/// How values become heights.
#[derive(Clone, Copy)]
pub(super) enum Scale {
    /// From nothing.
    Linear,
    /// Times ten is always as high.
    Log,
}

/// A chart to be drawn.
pub(super) struct Frame<'a> {
    /// A name that no other element of the page has.
    pub(super) id: String,
    /// What it shows, in a line.
    pub(super) title: String,
    /// What it shows, for who can't see it, and what its lines are.
    pub(super) told: String,
    /// The game day.
    pub(super) course: &'a Course,
    /// When faults held.
    pub(super) faults: Vec<SpanMs>,
    /// Height of the whole.
    pub(super) height: f64,
}

impl Frame<'_> {
    /// The chart as a figure of the page.
    pub(super) fn figure(&self, inside: &str) -> String {
        let (id, title, told) = (xml(&self.id), xml(&self.title), xml(&self.told));
        format!(
            "<figure>\n<figcaption>{title}</figcaption>\n\
             <svg viewBox=\"0 0 {WIDTH} {}\" role=\"img\" aria-labelledby=\"{id}-t {id}-d\">\n\
             <title id=\"{id}-t\">{title}</title>\n<desc id=\"{id}-d\">{told}</desc>\n\
             {}{inside}{}</svg>\n<p>{told}</p>\n</figure>\n",
            self.height,
            self.shades(),
            self.time()
        )
    }

    /// Lines with a scale of their own.
    pub(super) fn lines(
        &self,
        lines: &[Line],
        scale: Scale,
        label: impl Fn(f64) -> String,
    ) -> String {
        let values = lines.iter().flat_map(|it| it.points.iter());
        let values: Vec<f64> = values.filter_map(|it| it.1).collect();
        let ticks = match scale {
            Scale::Linear => linear_ticks(values.iter().copied().fold(0.0, f64::max)),
            Scale::Log => log_ticks(&values),
        };
        let (low, high) = (ticks[0], ticks[ticks.len() - 1]);
        let y = |value: f64| {
            let share = match scale {
                Scale::Linear => (value - low) / (high - low),
                Scale::Log => (value.max(low) / low).ln() / (high / low).ln(),
            };
            self.bottom() - share * (self.bottom() - TOP)
        };
        let mut text = String::new();
        for tick in &ticks {
            text += &format!(
                "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{}\" y1=\"{1:.1}\" y2=\"{1:.1}\"/>\n\
                 <text x=\"{2}\" y=\"{3:.1}\" text-anchor=\"end\">{4}</text>\n",
                WIDTH - RIGHT,
                y(*tick),
                LEFT - 6.0,
                y(*tick) + 4.0,
                xml(&label(*tick))
            );
        }
        for line in lines {
            text += &self.line(line, y);
        }
        text
    }

    fn line(&self, line: &Line, y: impl Fn(f64) -> f64) -> String {
        let class = line.class;
        let mut text = String::new();
        for run in line.points.split(|it| it.1.is_none()) {
            let at = |(ms, value): &(u64, Option<f64>)| (self.x(*ms), y(value.unwrap_or(0.0)));
            match run {
                [] => {}
                // A line needs two.
                [one] => {
                    let (x, y) = at(one);
                    text += &format!(
                        "<circle class=\"dot {class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2.5\"/>\n"
                    );
                }
                many => {
                    let points = many.iter().map(|it| {
                        let (x, y) = at(it);
                        format!("{x:.1},{y:.1}")
                    });
                    let points = points.collect::<Vec<_>>().join(" ");
                    text += &format!("<polyline class=\"{class}\" points=\"{points}\"/>\n");
                }
            }
        }
        text
    }

    /// A box along the time, with a name in it where there is room.
    pub(super) fn bar(&self, span: SpanMs, class: &str, name: &str) -> String {
        let (x, width) = (self.x(span.0), self.x(span.1) - self.x(span.0));
        let height = self.bottom() - TOP;
        let shown = match width > 8.0 * name.chars().count() as f64 {
            true => format!(
                "<text class=\"strong\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{2}</text>\n",
                x + width / 2.0,
                TOP + height / 2.0 + 4.0,
                xml(name)
            ),
            false => String::new(),
        };
        format!(
            "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{TOP}\" width=\"{:.1}\" height=\"{height:.1}\">\
             <title>{}, {:.1} s to {:.1} s</title></rect>\n{shown}",
            width.max(1.0),
            xml(name),
            span.0 as f64 / 1_000.0,
            span.1 as f64 / 1_000.0
        )
    }

    fn shades(&self) -> String {
        let shade = |(from, to): &SpanMs| {
            let (x, end) = (self.x(*from), self.x(*to));
            let height = self.bottom() - TOP;
            let edge = |x: f64| {
                format!(
                    "<line class=\"edge\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{TOP}\" y2=\"{:.1}\"/>\n",
                    self.bottom()
                )
            };
            format!(
                "<rect class=\"fault\" x=\"{x:.1}\" y=\"{TOP}\" width=\"{:.1}\" \
                 height=\"{height:.1}\"/>\n{}{}",
                (end - x).max(1.0),
                edge(x),
                edge(end)
            )
        };
        self.faults.iter().map(shade).collect()
    }

    fn time(&self) -> String {
        let seconds = self.course.length_ms.div_ceil(1_000).max(1);
        let steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1_800, 3_600, 7_200];
        let fits = |step: &&u64| seconds / **step <= MOST_TICKS;
        let step = steps
            .iter()
            .find(fits)
            .copied()
            .unwrap_or(seconds / MOST_TICKS);
        let bottom = self.bottom();
        let mut text = format!(
            "<line class=\"axis\" x1=\"{LEFT}\" x2=\"{}\" y1=\"{bottom:.1}\" y2=\"{bottom:.1}\"/>\n",
            WIDTH - RIGHT
        );
        for second in (0..=seconds).step_by(step as usize) {
            if second * 1_000 > self.course.length_ms {
                break;
            }
            text += &format!(
                "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{second} s</text>\n",
                self.x(second * 1_000),
                bottom + 17.0
            );
        }
        text
    }

    fn x(&self, ms: u64) -> f64 {
        let length = self.course.length_ms.max(1);
        LEFT + ms.min(length) as f64 / length as f64 * (WIDTH - LEFT - RIGHT)
    }

    fn bottom(&self) -> f64 {
        self.height - BOTTOM
    }
}

/// From nothing to at least the largest, about five of them, each a round number.
fn linear_ticks(largest: f64) -> Vec<f64> {
    let rough = (largest / 4.0).max(1e-6);
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|it| it * power);
    let step = step.into_iter().find(|it| *it >= rough).unwrap_or(rough);
    let count = (largest / step).ceil().max(1.0) as u32;
    (0..=count).map(|n| f64::from(n) * step).collect()
}

/// Powers of ten from below the smallest to above the largest.
fn log_ticks(values: &[f64]) -> Vec<f64> {
    let positive = || values.iter().copied().filter(|it| *it > 0.0);
    let smallest = positive().fold(f64::INFINITY, f64::min);
    let largest = positive().fold(0.0, f64::max);
    if largest <= 0.0 {
        return vec![1.0, 10.0];
    }
    let low = smallest.log10().floor() as i32;
    let high = (largest.log10().ceil() as i32).max(low + 1);
    (low..=high).map(|power| 10f64.powi(power)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_hold_all_values_and_are_round() {
        assert_eq!(linear_ticks(0.0).first(), Some(&0.0));
        assert_eq!(linear_ticks(90.0), [0.0, 50.0, 100.0]);
        assert_eq!(linear_ticks(8.0), [0.0, 2.0, 4.0, 6.0, 8.0]);
        assert_eq!(log_ticks(&[12_000.0, 3_100_000.0]), [1e4, 1e5, 1e6, 1e7]);
        assert_eq!(log_ticks(&[0.0]), [1.0, 10.0]);
        assert_eq!(log_ticks(&[100.0]), [100.0, 1_000.0]);
    }
}
