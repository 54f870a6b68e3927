//! The tables of header fields that blocks refer to (RFC 7541, 2.3): the static one, and the
//! dynamic one, which grows by what was sent.
//!
//! An index counts back from the field that was added last. So after some blocks were lost, all
//! that was added since can be found again; what was added before is forgotten.

mod fixed;

use std::collections::VecDeque;

use super::field::Field;

/// Fields kept; a reference to one that is older means nothing. A table of the size that all
/// begin with holds half as many at most.
const MOST: usize = 256;
/// Size that every table begins with.
const FIRST_SIZE: u32 = 4_096;

/// The fields that blocks of one direction refer to.
#[derive(Debug)]
pub(super) struct Table {
    /// The newest first.
    added: VecDeque<Field>,
    size: u32,
    most_size: u32,
}

impl Default for Table {
    fn default() -> Self {
        Self {
            added: VecDeque::new(),
            size: 0,
            most_size: FIRST_SIZE,
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
            None => *self
                .added
                .get(index - fixed.len())
                .unwrap_or(&Field::default()),
        };
        Some(field)
    }

    /// Adds a field, for which others have to go (RFC 7541, 4.4).
    pub(super) fn add(&mut self, field: Field) {
        self.make_room(field.size);
        if field.size <= self.most_size {
            if self.added.len() == MOST {
                self.drop_oldest();
            }
            self.size += field.size;
            self.added.push_front(field);
        }
    }

    /// Another size from now on.
    pub(super) fn resize(&mut self, most_size: u32) {
        self.most_size = most_size;
        self.make_room(0);
    }

    /// Blocks weren't seen: nothing of what was added is known, nor how much there is room for.
    pub(super) fn forget(&mut self) {
        self.added.clear();
        self.size = 0;
        self.most_size = u32::MAX;
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
