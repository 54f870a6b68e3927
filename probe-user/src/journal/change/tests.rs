//! Whatever became of a document, its change leads there; and what can't be one breaks nothing.

use serde_json::json;

use super::*;

fn leads(old: &Value, new: &Value) -> Value {
    let change = match between(old, new) {
        Change::By(change) => change,
        other => panic!("{other:?} from {old} to {new}"),
    };
    let mut reached = old.clone();
    apply(&mut reached, &change).unwrap();
    assert_eq!(&reached, new, "by {change}");
    change
}

#[test]
fn what_stays_is_not_said_again() {
    let old = json!({"name": "payments", "ok": 3, "seconds": [{"p50": 1}, {"p50": 2}, {"p50": 3}]});
    let new = json!({"name": "payments", "ok": 4, "seconds": [{"p50": 2}, {"p50": 3}, {"p50": 9}]});
    assert_eq!(
        leads(&old, &new),
        json!({"ok": 4, "seconds": {"drop": 1, "add": [{"p50": 9}]}})
    );
    assert_eq!(between(&new, &new), Change::None);
}

#[test]
fn lists_grow_shrink_and_change_in_their_midst() {
    let list = |numbers: &[u64]| json!({"list": numbers});
    assert_eq!(
        leads(&list(&[1, 2, 3, 4, 5]), &list(&[1, 2, 9, 4, 5, 6])),
        json!({"list": {"at": {"2": 9}, "add": [6]}})
    );
    assert_eq!(
        leads(&list(&[1, 2, 3, 4, 5, 6, 7]), &list(&[1, 2, 3, 4, 5])),
        json!({"list": {"keep": 5}})
    );
    leads(&list(&[]), &list(&[1, 2, 3, 4, 5, 6]));
    leads(&list(&[1, 2, 3, 4, 5, 6]), &list(&[]));
    let nested = |rows: Value| json!({"rows": rows});
    leads(
        &nested(json!([{"a": [1, null]}, {"b": "x"}])),
        &nested(json!([{"a": [null, 2]}, {}, {"c": {"drop": 1}}])),
    );
}

#[test]
fn what_is_gone_is_null_and_nulls_are_nothing() {
    assert_eq!(
        leads(
            &json!({"a": 1, "b": {"c": 2, "d": 3}}),
            &json!({"b": {"d": 3}})
        ),
        json!({"a": null, "b": {"c": null}})
    );
    let mut value = json!({"a": null, "b": [null, {"c": null}]});
    without_nulls(&mut value);
    assert_eq!(value, json!({"b": [null, {}]}));
}

#[test]
fn an_array_that_becomes_an_object_takes_the_whole() {
    let change = between(&json!({"a": {"b": [1]}}), &json!({"a": {"b": {"drop": 1}}}));
    assert_eq!(change, Change::Whole);
    // Inside an array that is written anew, it is no matter.
    leads(&json!({"a": [[1]]}), &json!({"a": [{"drop": 1}]}));
}

/// Documents of a small alphabet, so that they have much in common.
fn document(draw: &mut impl FnMut(u64) -> u64, depth: u64) -> Value {
    match draw(if depth == 0 { 3 } else { 5 }) {
        0 => json!(draw(3)),
        1 => json!("text"),
        2 => json!(draw(2) == 0),
        3 => (0..draw(8)).map(|_| document(draw, depth - 1)).collect(),
        _ => {
            let members = (0..draw(5)).map(|_| {
                let key = ["at", "add", "b", "c"][draw(4) as usize];
                (key.to_owned(), document(draw, depth - 1))
            });
            Value::Object(members.collect())
        }
    }
}

#[test]
fn chance_finds_no_document_that_is_not_reached() {
    let mut state = 7u64;
    let mut draw = |below: u64| {
        // SplitMix64 (Steele, Lea and Flood 2014).
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % below
    };
    let mut documents = vec![];
    for _ in 0..300 {
        documents.push(json!({"all": document(&mut draw, 3)}));
    }
    let mut reached = 0;
    for old in &documents {
        for new in &documents {
            // One that fits another document must not make it panic either.
            if let Change::By(change) = between(old, new) {
                let mut made = old.clone();
                assert_eq!(apply(&mut made, &change), Ok(()));
                assert_eq!(&made, new, "from {old} by {change}");
                let _ = apply(&mut documents[reached % 300].clone(), &change);
                reached += 1;
            }
        }
    }
    assert!(reached > 50_000, "{reached}");
}

#[test]
fn what_fits_nothing_is_refused() {
    for change in [
        json!({"drop": 4}),
        json!({"drop": -1}),
        json!({"keep": 9}),
        json!({"at": {"7": 1}}),
        json!({"at": {"x": 1}}),
        json!({"at": [1]}),
        json!({"add": 1}),
    ] {
        let mut target = json!([1, 2, 3]);
        assert_eq!(apply(&mut target, &change), Err(Misfit), "{change}");
    }
}
