//! The tables of header fields that blocks refer to (RFC 7541, 2.3): the static one, and the
//! dynamic one, which grows by what was sent.
//!
//! An index counts back from the field that was added last. So after some blocks were lost, all
//! that was added since can be found again; what was added before is forgotten.
//!
//! A block that comes late, overtaken by others, adds what it adds before what those added: how many
//! fields that were is counted for each gap. Until it comes it is taken to have added nothing. Where
//! it did, what overtook it may be read wrongly; most say the same in every block, and that
//! is added by the first one.

mod fixed;

use std::collections::VecDeque;

use super::field::Field;

/// Fields kept; a reference to one that is older means nothing. A table of the size that all
/// begin with holds half as many at most.
const MOST: usize = 256;
/// Gaps that late blocks may fill; of those that are older nothing is known.
const MOST_GAPS: usize = 32;
/// Size that every table begins with.
const FIRST_SIZE: u32 = 4_096;

/// The fields that blocks of one direction refer to.
#[derive(Debug)]
pub(super) struct Table {
    /// The newest first.
    added: VecDeque<Field>,
    size: u32,
    most_size: u32,
    /// Which gaps there are, oldest first, and how many fields were added behind each.
    gaps: VecDeque<(u32, usize)>,
    /// Which of them is being filled.
    filled: Option<usize>,
    /// Whether what is read belongs to a gap of which nothing is known: it is neither looked up nor
    /// added then.
    is_stray: bool,
}

impl Default for Table {
    fn default() -> Self {
        Self {
            added: VecDeque::new(),
            size: 0,
            most_size: FIRST_SIZE,
            gaps: VecDeque::new(),
            filled: None,
            is_stray: false,
        }
    }
}

impl Table {
    /// The field at an index; one without a meaning where it isn't known, `None` where there can
    /// be none.
    pub(super) fn field(&self, index: u32) -> Option<Field> {
        if index == 0 {
            return None;
        }
        let index = index as usize - 1;
        let fixed = fixed::fields();
        let field = match fixed.get(index) {
            Some(field) => *field,
            None if self.is_stray => Field::default(),
            None => *self
                .added
                .get(index - fixed.len() + self.behind())
                .unwrap_or(&Field::default()),
        };
        Some(field)
    }

    /// Adds a field, for which others have to go (RFC 7541, 4.4).
    pub(super) fn add(&mut self, field: Field) {
        if self.is_stray {
            return;
        }
        self.make_room(field.size);
        if field.size <= self.most_size {
            if self.added.len() == MOST {
                self.drop_oldest();
            }
            self.size += field.size;
            let place = self.behind().min(self.added.len());
            self.added.insert(place, field);
            // It is behind the gaps that came before where it belongs.
            let before = self.filled.unwrap_or(self.gaps.len());
            self.gaps.iter_mut().take(before).for_each(|gap| gap.1 += 1);
        }
    }

    /// What comes now overtook what is to fill a gap.
    pub(super) fn leave_gap(&mut self, gap: u32) {
        self.turn_to(None);
        if self.gaps.len() == MOST_GAPS {
            self.gaps.pop_front();
        }
        self.gaps.push_back((gap, 0));
    }

    /// What comes now belongs into a gap, or is in turn.
    pub(super) fn turn_to(&mut self, gap: Option<u32>) {
        self.filled = gap.and_then(|wanted| self.gaps.iter().position(|it| it.0 == wanted));
        self.is_stray = gap.is_some() && self.filled.is_none();
        if self.is_stray {
            // Where it belongs isn't known any more, nor what it adds before all that came since.
            self.forget();
        }
    }

    /// How many fields were added behind where the block that is read stands.
    fn behind(&self) -> usize {
        let gap = self.filled.and_then(|at| self.gaps.get(at));
        gap.map_or(0, |gap| gap.1)
    }

    /// Another size from now on.
    pub(super) fn resize(&mut self, most_size: u32) {
        if self.is_stray {
            return;
        }
        self.most_size = most_size;
        self.make_room(0);
    }

    /// Blocks weren't seen: nothing of what was added is known, nor how much there is room for.
    pub(super) fn forget(&mut self) {
        self.added.clear();
        self.size = 0;
        self.most_size = u32::MAX;
        self.gaps.clear();
        self.filled = None;
    }

    fn make_room(&mut self, size: u32) {
        while !self.added.is_empty() && self.size > self.most_size.saturating_sub(size) {
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) {
        if let Some(oldest) = self.added.pop_back() {
            self.size -= oldest.size;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{field::Named, text::Text};
    use super::*;

    fn path(value: &str) -> Field {
        Field::new(Named::of(&Text::of(b":path")), &Text::of(value.as_bytes()))
    }

    #[test]
    fn indices_count_back_from_the_last_one() {
        let mut table = Table::default();
        table.add(path("/a"));
        table.add(path("/b"));
        assert_eq!(table.field(62), Some(path("/b")));
        assert_eq!(table.field(63), Some(path("/a")));
        assert_eq!(table.field(64), Some(Field::default()));
        assert_eq!(table.field(4), Some(path("/")));
        assert_eq!(table.field(0), None);
        assert_eq!(table.field(u32::MAX), Some(Field::default()));
    }

    #[test]
    fn the_oldest_make_room() {
        let mut table = Table::default();
        // ":path" and "/a" and 32.
        table.resize(39 * 2);
        for it in ["/a", "/b", "/c"] {
            table.add(path(it));
        }
        assert_eq!(table.field(63), Some(path("/b")));
        assert_eq!(table.field(64), Some(Field::default()));
        table.add(path(&"x".repeat(42)));
        assert_eq!(
            table.field(62),
            Some(Field::default()),
            "larger than the table"
        );
        table.add(path("/d"));
        table.resize(0);
        assert_eq!(table.field(62), Some(Field::default()));
    }

    #[test]
    fn what_was_added_since_a_loss_is_known() {
        let mut table = Table::default();
        table.add(path("/lost"));
        table.forget();
        assert_eq!(table.field(62), Some(Field::default()));
        table.add(path("/new"));
        assert_eq!(table.field(62), Some(path("/new")));
        assert_eq!(table.field(63), Some(Field::default()));
    }

    #[test]
    fn what_comes_late_is_added_behind_what_overtook_it() {
        let mut table = Table::default();
        table.add(path("/before"));
        table.leave_gap(1);
        table.add(path("/c"));
        table.leave_gap(2);
        table.add(path("/e"));
        table.turn_to(Some(1));
        assert_eq!(table.field(62), Some(path("/before")));
        table.add(path("/a"));
        table.add(path("/b"));
        assert_eq!(table.field(62), Some(path("/b")));
        table.turn_to(Some(2));
        assert_eq!(table.field(62), Some(path("/c")));
        table.add(path("/d"));
        table.turn_to(None);
        let all = (62..68).map(|index| table.field(index).unwrap());
        let wanted = ["/e", "/d", "/c", "/b", "/a", "/before"].map(path);
        assert_eq!(all.collect::<Vec<_>>(), wanted);
        table.turn_to(Some(3));
        assert_eq!(table.field(62), Some(Field::default()));
        table.add(path("/stray"));
        table.turn_to(None);
        assert_eq!(table.field(62), Some(Field::default()));
        table.add(path("/new"));
        assert_eq!(table.field(62), Some(path("/new")));
    }

    #[test]
    fn a_table_is_bounded_whatever_its_size() {
        let mut table = Table::default();
        table.resize(u32::MAX);
        for _ in 0..10 * MOST {
            table.add(path("/"));
        }
        assert_eq!(table.added.len(), MOST);
        assert_eq!(table.size, MOST as u32 * path("/").size);
    }
}
