//! Latencies by how often they came, now and before the first fault, on one logarithmic scale.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::{Scene, paint};
use crate::model::{Histogram, WindowStats};
use crate::tui::figures::latency;
use crate::tui::theme::Role;

/// Eighths of a cell, from none to all.
const EIGHTHS: [&str; 9] = [" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"];
/// Width of the labels.
const LABEL: usize = 9;

/// Draws a heading, and as many bins as there are rows.
pub fn draw(
    scene: &Scene,
    area: Rect,
    buffer: &mut Buffer,
    now: &WindowStats,
    before: Option<&WindowStats>,
) {
    let note = match before {
        Some(_) => "now │ before",
        None => "last 10 s",
    };
    let note = Span::styled(note, scene.style(Role::Quiet));
    let title = paint::title(scene, "Latency, to", false);
    paint::heading(scene, buffer, area, title, note);
    let rows = usize::from(area.height.saturating_sub(1));
    let both = [Some(now), before].into_iter().flatten();
    let edges = edges(both.map(|it| &it.latency), rows);
    if edges.is_empty() {
        let line = Line::styled(" no call was answered", scene.style(Role::Quiet));
        paint::left(buffer, paint::row(area, 1), &line);
        return;
    }
    let now = shares(&now.latency, &edges);
    let before = before.map(|it| shares(&it.latency, &edges));
    let bars = usize::from(area.width).saturating_sub(LABEL + 2);
    let width = match before {
        Some(_) => bars / 2,
        None => bars,
    };
    let most = now.iter().chain(before.iter().flatten()).copied();
    let most = most.fold(0.0, f64::max);
    for (row, &edge) in edges.iter().enumerate() {
        let mut spans = vec![Span::styled(
            format!("{:>LABEL$} ", latency(edge)),
            scene.style(Role::Quiet),
        )];
        let bar_of = |share: f64| bar(share / most, width);
        spans.push(Span::styled(bar_of(now[row]), scene.style(Role::Strong)));
        if let Some(before) = &before {
            spans.push(Span::styled("│", scene.style(Role::Quiet)));
            spans.push(Span::styled(bar_of(before[row]), scene.style(Role::Quiet)));
        }
        paint::left(buffer, paint::row(area, 1 + row), &Line::from(spans));
    }
}

/// Upper edges of `rows` bins, equally wide on a logarithmic scale, that hold all there is.
fn edges<'a>(all: impl Iterator<Item = &'a Histogram>, rows: usize) -> Vec<u64> {
    let mut least = u64::MAX;
    let mut most = 0;
    for (low, width, _) in all.flat_map(Histogram::buckets) {
        least = least.min(low);
        most = most.max(low + width);
    }
    if most == 0 || rows == 0 {
        return Vec::new();
    }
    let least = least.max(1) as f64;
    // As many bins as rows, but none narrower than a quarter of its latency.
    let span = (most as f64 / least).max(1.25);
    let step = (span.ln() / rows as f64).max(1.25_f64.ln());
    let edges = (1..=rows).map(|n| (least * (step * n as f64).exp()).ceil() as u64);
    let mut edges: Vec<u64> = edges.collect();
    let needed = edges.iter().position(|&edge| edge >= most);
    edges.truncate(needed.map_or(rows, |at| at + 1));
    edges
}

/// Which share of the latencies each bin holds.
fn shares(histogram: &Histogram, edges: &[u64]) -> Vec<f64> {
    let mut counts = vec![0; edges.len()];
    for (low, width, count) in histogram.buckets() {
        let middle = low + width / 2;
        let bin = edges.partition_point(|&edge| edge < middle);
        counts[bin.min(edges.len() - 1)] += count;
    }
    let all = histogram.count().max(1) as f64;
    counts.into_iter().map(|it| it as f64 / all).collect()
}

/// A bar of a width, to an eighth of a cell; what is there at all is seen.
fn bar(share: f64, width: usize) -> String {
    let eighths = (share.clamp(0.0, 1.0) * width as f64 * 8.0).round() as usize;
    let eighths = if share > 0.0 { eighths.max(1) } else { 0 };
    let (full, rest) = (eighths / 8, eighths % 8);
    let mut text = EIGHTHS[8].repeat(full);
    if rest > 0 {
        text += EIGHTHS[rest];
    }
    let drawn = text.chars().count();
    text + &" ".repeat(width.saturating_sub(drawn))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_latency_is_in_a_bin() {
        let mut histogram = Histogram::default();
        (0..5_000u64).for_each(|n| histogram.record(n * n));
        for rows in 1..30 {
            let edges = edges([&histogram].into_iter(), rows);
            assert!(edges.len() <= rows && edges.is_sorted());
            let sum: f64 = shares(&histogram, &edges).iter().sum();
            assert!((sum - 1.0).abs() < 1e-9, "{rows}: {sum}");
        }
    }

    #[test]
    fn a_bar_is_never_wider_than_its_room() {
        for width in 0..20 {
            for share in [0.0, 0.001, 0.3, 0.999, 1.0] {
                assert_eq!(
                    bar(share, width).chars().count().max(width),
                    width.max(usize::from(share > 0.0))
                );
            }
        }
        assert_eq!(bar(0.001, 4), "▏   ");
    }
}
