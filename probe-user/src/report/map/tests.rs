//! The shop's map in every language.

use super::{Format, map};
use crate::{
    model::Process,
    report::observed::tests::{Seen, calling},
};

#[test]
fn the_shop_is_drawn() {
    let seen = Seen::shop();
    for (name, format) in [
        ("map-dot", Format::Dot),
        ("map-mermaid", Format::Mermaid),
        ("map-text", Format::Text),
    ] {
        insta::assert_snapshot!(name, map(&seen.observation(), format));
    }
}

#[test]
fn nothing_is_a_graph_too() {
    let seen = Seen::nothing();
    assert_eq!(map(&seen.observation(), Format::Mermaid), "flowchart LR\n");
    assert!(map(&seen.observation(), Format::Dot).ends_with(";\n}\n"));
    assert_eq!(map(&seen.observation(), Format::Text), "no call was seen\n");
}

#[test]
fn a_hostile_name_stays_a_label() {
    let mut seen = Seen::nothing();
    seen.answered(&calling([10, 0, 0, 7], 80), 1_000, b"?");
    let process = Process {
        command: "\"]; n9 -> n0; x\\".into(),
        cgroup: String::new(),
    };
    seen.model.name_process(42, process);
    let dot = map(&seen.observation(), Format::Dot);
    assert!(
        dot.contains("n0 [label=\"\\\"]; n9 -> n0; x\\\\\\npid 42\", shape"),
        "{dot}"
    );
    let mermaid = map(&seen.observation(), Format::Mermaid);
    assert!(
        mermaid.contains("n0[\"#34;#93;#59; n9 -#62; n0#59; x#92;<br/>pid 42\"]\n"),
        "{mermaid}"
    );
}
