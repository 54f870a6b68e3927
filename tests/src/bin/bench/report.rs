//! Tables in Markdown, and the page they are put into: a section that was measured again
//! replaces the one of its name, the others stay with the date they have.

use std::fmt::Write;

use crate::host;

/// What stands at the head of the page.
const HEAD: &str = "\
# Performance

Written by `cargo xtask bench --write`; each table says when, where and how it was got. Medians of
interleaved rounds, with the smallest and the largest: machines differ, and so does one machine
from minute to minute. No test asserts any of it.
";

/// One table.
#[derive(Clone, Debug)]
pub(crate) struct Section {
    pub(crate) title: &'static str,
    /// What was done to get it.
    pub(crate) how: String,
    pub(crate) columns: Vec<&'static str>,
    pub(crate) rows: Vec<Vec<String>>,
}

impl Section {
    pub(crate) fn markdown(&self) -> String {
        let mut text = format!("## {}\n\n{}\n\n", self.title, self.how);
        let _ = writeln!(text, "{}\n", host::describe());
        let _ = writeln!(text, "| {} |", self.columns.join(" | "));
        let _ = writeln!(text, "|---{}|", "|--:".repeat(self.columns.len() - 1));
        for row in &self.rows {
            let _ = writeln!(text, "| {} |", row.join(" | "));
        }
        text
    }
}

/// The page with sections put in, given how it was.
pub(crate) fn page(sections: &[Section], before: &str) -> String {
    let mut chapters: Vec<(String, String)> = before
        .split("\n## ")
        .skip(1)
        .filter_map(|chapter| {
            let title = chapter.lines().next()?.to_owned();
            Some((title, format!("## {}\n", chapter.trim_end())))
        })
        .collect();
    for section in sections {
        let text = section.markdown();
        match chapters
            .iter_mut()
            .find(|(title, _)| title == section.title)
        {
            Some(chapter) => chapter.1 = text,
            None => chapters.push((section.title.to_owned(), text)),
        }
    }
    let mut page = HEAD.to_owned();
    for (_, chapter) in chapters {
        page.push('\n');
        page.push_str(&chapter);
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(title: &'static str, value: &str) -> Section {
        Section {
            title,
            how: "By hand.".to_owned(),
            columns: vec!["what", "ns"],
            rows: vec![vec!["it".to_owned(), value.to_owned()]],
        }
    }

    #[test]
    fn a_section_measured_again_replaces_the_one_before() {
        let first = page(&[section("A", "1"), section("B", "2")], "");
        let second = page(&[section("B", "3")], &first);
        assert_eq!(second.matches("## B").count(), 1);
        assert!(second.contains("| it | 1 |") && second.contains("| it | 3 |"));
        assert!(!second.contains("| it | 2 |"));
        assert_eq!(page(&[], &second), second);
    }
}
