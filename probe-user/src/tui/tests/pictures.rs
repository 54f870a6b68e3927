//! The SVG: well-formed, and the same text as on the screen.

use super::samples;
use crate::tui::picture;

/// Follows tags to their ends; fails on a stray "<", "&" or quote and on tags that don't pair.
fn check_well_formed(svg: &str) {
    let mut open = Vec::new();
    let mut rest = svg;
    while let Some(start) = rest.find('<') {
        let text = &rest[..start];
        assert!(!text.contains('>'), "stray >: {text}");
        for entity in text.split('&').skip(1) {
            let known = ["amp;", "lt;", "gt;"];
            assert!(
                known.iter().any(|known| entity.starts_with(known)),
                "{text}"
            );
        }
        let end = start + rest[start..].find('>').expect("a tag that ends");
        let tag = &rest[start + 1..end];
        assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
        match (tag.strip_prefix('/'), tag.ends_with('/')) {
            (Some(name), _) => assert_eq!(open.pop(), Some(name)),
            (None, false) => open.push(tag.split(' ').next().unwrap()),
            (None, true) => {}
        }
        rest = &rest[end + 1..];
    }
    assert!(open.is_empty() && rest.trim().is_empty());
}

#[test]
fn a_picture_is_well_formed() {
    for snapshot in [samples::faulted(), samples::busy(), samples::failed()] {
        check_well_formed(&picture(&snapshot, 120, 40));
    }
}

#[test]
fn a_picture_shows_what_the_screen_shows() {
    let svg = picture(&samples::faulted(), 120, 40);
    for word in ["payments", "success_rate", "hypothesis", "&lt;="] {
        assert_eq!(
            svg.contains(&format!(">{word}<")),
            word != "hypothesis",
            "{word}"
        );
    }
}

#[test]
fn names_of_others_cannot_break_it() {
    let mut snapshot = samples::faulted();
    snapshot.dependencies[0].name = "<script>&\"'".into();
    check_well_formed(&picture(&snapshot, 120, 40));
}
