//! What changed from one JSON document to the next, so that a journal needn't repeat what stays.
//!
//! A change is a JSON Merge Patch (RFC 7396) with one addition: where there is an array, an
//! object changes it. Its `drop` is how many items go from the front, `keep` how many of the rest
//! stay, `at` how items that stay change, by their place, and `add` what comes after them.

use serde_json::{Map, Value};

/// Arrays of no more than so many items without parts are written anew.
const SHORT: usize = 4;

/// The most items that are looked for at the front of an array that only moved on.
const MOST_DROPPED: usize = 4;

/// From one document to the next.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// There is none.
    None,
    /// Made by [`apply`].
    By(Value),
    /// It can't be said but by the new document: an array became an object.
    Whole,
}

/// A change that doesn't fit what it is to change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Misfit;

/// Takes members out that are null: in a change they stand for what is gone.
pub fn without_nulls(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|_, it| !it.is_null());
            members.values_mut().for_each(without_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(without_nulls),
        _ => {}
    }
}

/// What changes one document into another, both without nulls as members.
pub fn between(old: &Value, new: &Value) -> Change {
    match (old, new) {
        (old, new) if old == new => Change::None,
        (Value::Object(old), Value::Object(new)) => of_object(old, new),
        (Value::Array(old), Value::Array(items)) => {
            of_array(old, items).unwrap_or_else(|| Change::By(new.clone()))
        }
        (Value::Array(_), Value::Object(_)) => Change::Whole,
        (_, new) => Change::By(new.clone()),
    }
}

fn of_object(old: &Map<String, Value>, new: &Map<String, Value>) -> Change {
    let mut change = Map::new();
    for (key, value) in new {
        let of_it = match old.get(key) {
            Some(before) => between(before, value),
            None => Change::By(value.clone()),
        };
        match of_it {
            Change::None => {}
            Change::By(it) => {
                change.insert(key.clone(), it);
            }
            Change::Whole => return Change::Whole,
        }
    }
    let gone = old.keys().filter(|key| !new.contains_key(*key));
    change.extend(gone.map(|key| (key.clone(), Value::Null)));
    Change::By(change.into())
}

/// `None` where the array is better written anew.
fn of_array(old: &[Value], new: &[Value]) -> Option<Change> {
    let plain = |it: &Value| !it.is_object() && !it.is_array();
    if new.len() <= SHORT && new.iter().all(plain) {
        return None;
    }
    let drop = dropped(old, new);
    let left = &old[drop..];
    let keep = left.len().min(new.len());
    let mut at = Map::new();
    for (n, (before, after)) in left.iter().zip(new).enumerate() {
        match between(before, after) {
            Change::None => {}
            Change::By(it) => {
                at.insert(n.to_string(), it);
            }
            Change::Whole => return None,
        }
    }
    let mut change = Map::new();
    if drop > 0 {
        change.insert("drop".into(), drop.into());
    }
    if keep < left.len() {
        change.insert("keep".into(), keep.into());
    }
    if !at.is_empty() {
        change.insert("at".into(), at.into());
    }
    if new.len() > keep {
        change.insert("add".into(), new[keep..].into());
    }
    Some(Change::By(change.into()))
}

/// How many items went from the front, by how well the rest then lies on the new ones.
fn dropped(old: &[Value], new: &[Value]) -> usize {
    let alike = |drop: &usize| {
        let pairs = old[*drop..].iter().zip(new);
        pairs.filter(|(before, after)| before == after).count()
    };
    let most = MOST_DROPPED.min(old.len());
    // The first of the best: the least that is dropped.
    let best = (0..=most).rev().max_by_key(alike);
    best.unwrap_or(0)
}

/// Changes a document.
///
/// # Errors
/// Where the change isn't one of this document; what it then is, is of no use.
pub fn apply(target: &mut Value, change: &Value) -> Result<(), Misfit> {
    match (target, change) {
        (Value::Array(items), Value::Object(change)) => apply_to_array(items, change),
        (target, Value::Object(change)) => {
            if !target.is_object() {
                *target = Value::Object(Map::new());
            }
            let Value::Object(members) = target else {
                return Err(Misfit);
            };
            for (key, it) in change {
                if it.is_null() {
                    members.remove(key);
                } else {
                    apply(members.entry(key.clone()).or_insert(Value::Null), it)?;
                }
            }
            Ok(())
        }
        (target, change) => {
            *target = change.clone();
            Ok(())
        }
    }
}

fn apply_to_array(items: &mut Vec<Value>, change: &Map<String, Value>) -> Result<(), Misfit> {
    let number = |key: &str| change.get(key).map(|it| place(it.as_u64(), items.len()));
    let (drop, keep) = (number("drop").transpose()?, number("keep").transpose()?);
    items.drain(..drop.unwrap_or(0));
    if let Some(keep) = keep {
        items.truncate(keep);
    }
    for (key, it) in members(change, "at")? {
        let place: usize = key.parse().map_err(|_| Misfit)?;
        apply(items.get_mut(place).ok_or(Misfit)?, it)?;
    }
    match change.get("add") {
        None => {}
        Some(Value::Array(added)) => items.extend(added.iter().cloned()),
        Some(_) => return Err(Misfit),
    }
    Ok(())
}

fn place(number: Option<u64>, length: usize) -> Result<usize, Misfit> {
    let place = usize::try_from(number.ok_or(Misfit)?).map_err(|_| Misfit)?;
    (place <= length).then_some(place).ok_or(Misfit)
}

fn members<'a>(
    change: &'a Map<String, Value>,
    key: &str,
) -> Result<impl Iterator<Item = (&'a String, &'a Value)>, Misfit> {
    match change.get(key) {
        None => Ok(None.into_iter().flatten()),
        Some(Value::Object(members)) => Ok(Some(members).into_iter().flatten()),
        Some(_) => Err(Misfit),
    }
}

#[cfg(test)]
mod tests;
