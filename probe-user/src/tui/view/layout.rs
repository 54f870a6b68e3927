//! Who gets how many rows. Arithmetic only: nothing is drawn here.

use ratatui::layout::Rect;

/// How many rows a region needs, and how much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    /// Who is served first; the lowest rank before all others.
    pub rank: u8,
    /// Without these it is of little use.
    pub least: u16,
    /// With these it shows all it has, or enough of it.
    pub want: u16,
    /// More than these are wasted on it.
    pub most: u16,
}

impl Need {
    /// A region that has nothing to show.
    pub const NOTHING: Self = Self {
        rank: u8::MAX,
        least: 0,
        want: 0,
        most: 0,
    };

    /// A region of a fixed number of rows.
    pub fn rows(rank: u8, rows: u16) -> Self {
        Self {
            rank,
            least: rows,
            want: rows,
            most: rows,
        }
    }

    /// A heading over `count` lines, of which `least` must be seen, and an empty row below where
    /// there is room for air.
    pub fn list(rank: u8, count: usize, least: u16, roomy: bool) -> Self {
        let count = u16::try_from(count).unwrap_or(u16::MAX - 2);
        if count == 0 {
            return Self::NOTHING;
        }
        let around = 1 + u16::from(roomy);
        Self {
            rank,
            least: 1 + count.min(least),
            want: count.saturating_add(around),
            most: count.saturating_add(around),
        }
    }

    /// What two regions need above each other.
    pub fn above(self, other: Self) -> Self {
        Self {
            rank: self.rank.min(other.rank),
            least: self.least.saturating_add(other.least),
            want: self.want.saturating_add(other.want),
            most: self.most.saturating_add(other.most),
        }
    }

    /// What two regions need beside each other.
    pub fn beside(self, other: Self) -> Self {
        Self {
            rank: self.rank.min(other.rank),
            least: self.least.max(other.least),
            want: self.want.max(other.want),
            most: self.most.max(other.most),
        }
    }
}

/// Places regions above each other, each as wide as the area.
pub fn stack(area: Rect, needs: &[Need]) -> Vec<Rect> {
    let mut y = area.y;
    allot(area.height, needs)
        .into_iter()
        .map(|height| {
            let placed = Rect { y, height, ..area };
            y += height;
            placed
        })
        .collect()
}

/// Splits an area in two with a gap between them.
pub fn halves(area: Rect) -> (Rect, Rect) {
    const GAP: u16 = 2;
    let left = area.width.saturating_sub(GAP) / 2;
    let right = area.width.saturating_sub(left + GAP);
    (
        Rect {
            width: left,
            ..area
        },
        Rect {
            x: area.right() - right,
            width: right,
            ..area
        },
    )
}

/// Shares out rows: to each the least by rank, then row by row what each wants, then what is
/// left, as far as it is of use.
fn allot(rows: u16, needs: &[Need]) -> Vec<u16> {
    let mut order: Vec<usize> = (0..needs.len()).collect();
    order.sort_by_key(|&region| needs[region].rank);
    let mut given = vec![0; needs.len()];
    let mut left = rows;
    for &region in &order {
        let share = needs[region].least.min(left);
        // A heading alone tells nothing.
        if share == needs[region].least || share > 1 {
            given[region] = share;
            left -= share;
        }
    }
    let started: Vec<usize> = order
        .into_iter()
        .filter(|&region| given[region] > 0 || needs[region].least == 0)
        .collect();
    grow(&mut given, &mut left, &started, |region| needs[region].want);
    grow(&mut given, &mut left, &started, |region| needs[region].most);
    given
}

fn grow(given: &mut [u16], left: &mut u16, order: &[usize], until: impl Fn(usize) -> u16) {
    loop {
        let before = *left;
        for &region in order {
            if *left > 0 && given[region] < until(region) {
                given[region] += 1;
                *left -= 1;
            }
        }
        if *left == before {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: Need = Need {
        rank: 2,
        least: 3,
        want: 5,
        most: 9,
    };

    #[test]
    fn the_least_goes_by_rank() {
        let needs = [LIST, Need::rows(0, 1), Need { rank: 1, ..LIST }];
        assert_eq!(allot(0, &needs), [0, 0, 0]);
        assert_eq!(allot(1, &needs), [0, 1, 0]);
        assert_eq!(allot(4, &needs), [0, 1, 3]);
    }

    #[test]
    fn a_heading_alone_is_not_drawn() {
        assert_eq!(allot(2, &[Need::rows(0, 1), LIST]), [1, 0]);
        assert_eq!(allot(3, &[Need::rows(0, 1), LIST]), [1, 2]);
    }

    #[test]
    fn wants_come_before_luxury_and_no_row_is_given_twice() {
        let needs = [LIST, Need { rank: 1, ..LIST }];
        assert_eq!(allot(9, &needs), [4, 5]);
        assert_eq!(allot(11, &needs), [5, 6]);
        assert_eq!(allot(60, &needs), [9, 9]);
    }

    #[test]
    fn halves_fill_the_width() {
        for width in 0..6 {
            let (left, right) = halves(Rect::new(3, 0, width, 1));
            assert!(left.right() <= right.x || right.width == 0);
            assert_eq!(right.right(), 3 + width);
        }
    }
}
