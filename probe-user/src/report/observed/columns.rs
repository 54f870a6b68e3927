//! Lines of cells under each other, made to fit a width: the first column gives way.

/// The narrowest that a first column may get.
const LEAST: usize = 12;

/// Lines of cells; a line of one cell stands by itself and widens nothing.
pub(super) struct Columns {
    lines: Vec<Vec<String>>,
}

impl Columns {
    pub(super) fn new(head: &[&str]) -> Self {
        let head = head.iter().map(|&cell| cell.to_owned()).collect();
        Self { lines: vec![head] }
    }

    /// Adds a line of as many cells as the head has.
    pub(super) fn line(&mut self, cells: Vec<String>) {
        self.lines.push(cells);
    }

    /// Adds a title above what follows.
    pub(super) fn title(&mut self, title: String) {
        self.lines.push(vec![title]);
    }

    /// As text: the first two columns to the left, figures to the right.
    pub(super) fn text(&self, width: Option<usize>) -> String {
        let rows = self.lines.iter().filter(|line| line.len() > 1);
        let mut widths: Vec<usize> = Vec::new();
        for row in rows {
            widths.resize(row.len(), 0);
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        let figures: usize = widths.iter().skip(1).sum();
        let gaps = widths.len().saturating_sub(1);
        let room = width.unwrap_or(usize::MAX);
        let fits = widths[0] + figures + 2 * gaps <= room;
        let gap = if fits { 2 } else { 1 };
        let first = room.saturating_sub(figures + gap * gaps).max(LEAST);
        widths[0] = widths[0].min(first);
        let mut text = String::new();
        for line in &self.lines {
            let line = match line.as_slice() {
                [title] => cut(title, room),
                cells => join(cells, &widths, gap),
            };
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

fn join(cells: &[String], widths: &[usize], gap: usize) -> String {
    let mut text = String::new();
    for (column, (cell, &width)) in cells.iter().zip(widths).enumerate() {
        if column > 0 {
            text.push_str(&" ".repeat(gap));
        }
        let cell = cut(cell, width);
        text += &match column {
            0 | 1 => format!("{cell:<width$}"),
            _ => format!("{cell:>width$}"),
        };
    }
    text
}

/// The text, no longer than so many letters.
pub(super) fn cut(text: &str, most: usize) -> String {
    match text.chars().count() > most {
        true => text
            .chars()
            .take(most.saturating_sub(1))
            .chain(['…'])
            .collect(),
        false => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Columns {
        let mut table = Columns::new(&["", "protocol", "p99"]);
        table.title("shop".into());
        table.line(vec![
            "  → a-rather-long-name".into(),
            "http1".into(),
            "1 ms".into(),
        ]);
        table
    }

    #[test]
    fn columns_stand_under_each_other() {
        assert_eq!(
            table().text(None),
            "                        protocol   p99\nshop\n  → a-rather-long-name  http1     1 ms\n"
        );
    }

    #[test]
    fn the_first_column_gives_way() {
        let text = table().text(Some(30));
        assert!(text.contains("  → a-rather-lo… http1    1 ms\n"), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 30));
    }
}
