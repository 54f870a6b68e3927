//! Which columns a table has at which width. The least needed go first where it gets narrow.

/// A column of the tables of dependencies and services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// Address and port.
    Remote,
    /// Calls a second.
    Rate,
    /// Median latency.
    P50,
    /// 99th percentile of the latency.
    P99,
    /// The same before the first fault.
    P99Before,
    /// Share of calls that failed with an error.
    Errors,
    /// Share of calls that the caller gave up.
    Abandoned,
    /// Calls waiting for an answer, and the most that did.
    InFlight,
    /// Attempts over logical calls, or the most of them.
    Retries,
    /// Latency over the last minute.
    Trend,
}

/// All columns but the name as they stand from left to right, each with the order in which it is
/// given room.
const COLUMNS: [(Column, u8); 10] = [
    (Column::Remote, 9),
    (Column::Rate, 2),
    (Column::P50, 3),
    (Column::P99, 1),
    (Column::P99Before, 8),
    (Column::Errors, 0),
    (Column::Abandoned, 5),
    (Column::InFlight, 6),
    (Column::Retries, 7),
    (Column::Trend, 4),
];

/// Between two columns, at least and at most.
const GAP: (u16, u16) = (1, 4);
/// For the marks of selection and fault, before the name.
pub const MARKS: u16 = 4;
/// The trend is of use from this width on; one cell a second is all it can show.
const TREND: (u16, u16) = (12, 60);

/// A table's columns and how wide each is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns {
    /// Between two columns.
    pub gap: u16,
    /// Width of the name.
    pub name: u16,
    /// The columns beside the name, from left to right, with their widths.
    pub beside: Vec<(Column, u16)>,
}

impl Column {
    /// What stands above it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Remote => "address",
            Self::Rate => "calls/s",
            Self::P50 => "p50",
            Self::P99 => "p99 ",
            Self::P99Before => "before",
            Self::Errors => "errors",
            Self::Abandoned => "gave up",
            Self::InFlight => "in flight",
            Self::Retries => "retries",
            Self::Trend => "p50, last minute",
        }
    }

    /// Whether it stands at the left edge of its column; figures stand at the right.
    pub fn is_left(self) -> bool {
        matches!(self, Self::Remote)
    }

    fn width(self) -> u16 {
        match self {
            Self::Remote => 21,
            Self::Rate | Self::P99 | Self::Abandoned | Self::Retries => 7,
            Self::P50 | Self::P99Before | Self::Errors => 6,
            Self::InFlight => 9,
            Self::Trend => TREND.0,
        }
    }
}

impl Columns {
    /// Whether a column is among them.
    pub fn have(&self, column: Column) -> bool {
        self.beside.iter().any(|(shown, _)| *shown == column)
    }

    /// The columns that fit a width, where the longest name has `longest` characters and `leave`
    /// are not wanted at all.
    pub fn choose(width: u16, longest: usize, leave: &[Column]) -> Self {
        let longest = u16::try_from(longest).unwrap_or(u16::MAX);
        let name = longest.clamp(12, (width * 3 / 10).max(12));
        let mut left = width.saturating_sub(MARKS + name);
        let mut ranked = COLUMNS;
        ranked.sort_by_key(|(_, rank)| *rank);
        let mut chosen = Vec::new();
        for (column, _) in ranked {
            let needed = column.width() + GAP.0;
            if leave.contains(&column) {
                continue;
            }
            if needed > left {
                break;
            }
            left -= needed;
            chosen.push(column);
        }
        let trend = match chosen.contains(&Column::Trend) {
            true => left.min(TREND.1 - TREND.0),
            false => 0,
        };
        let air = (left - trend) / (chosen.len() as u16).max(1);
        let widths = |(column, _): (Column, u8)| {
            let more = if column == Column::Trend { trend } else { 0 };
            chosen
                .contains(&column)
                .then_some((column, column.width() + more))
        };
        Self {
            gap: (GAP.0 + air).min(GAP.1),
            name,
            beside: COLUMNS.into_iter().filter_map(widths).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn total(columns: &Columns) -> u16 {
        let beside: u16 = columns
            .beside
            .iter()
            .map(|(_, width)| width + columns.gap)
            .sum();
        MARKS + columns.name + beside
    }

    #[test]
    fn nothing_is_wider_than_the_terminal() {
        for width in 16..300 {
            for longest in [0, 12, 30, 200] {
                let columns = Columns::choose(width, longest, &[]);
                assert!(total(&columns) <= width, "{width} {longest}: {columns:?}");
            }
        }
    }

    #[test]
    fn an_80_column_terminal_shows_what_matters() {
        let columns = Columns::choose(80, 20, &[]);
        for column in [
            Column::Errors,
            Column::P99,
            Column::Rate,
            Column::P50,
            Column::Trend,
            Column::Abandoned,
        ] {
            assert!(
                columns.beside.iter().any(|(shown, _)| *shown == column),
                "{column:?}"
            );
        }
    }

    #[test]
    fn what_fails_is_the_last_to_go() {
        let columns = Columns::choose(24, 20, &[]);
        assert_eq!(columns.beside, [(Column::Errors, 6)]);
    }
}
