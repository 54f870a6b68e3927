//! The word that was probably meant.

use crate::mistake::Mistake;

/// Adds to a mistake the nearest of `words`, or all of them where none is near.
pub fn suggest(mistake: Mistake, written: &str, words: &[&str]) -> Mistake {
    match nearest(written, words) {
        Some(word) => mistake.hint(format!("did you mean \"{word}\"?")),
        None => mistake.hint(format!("known here: {}", words.join(", "))),
    }
}

/// The nearest of `words`, if no more than a third of what was written has to change.
fn nearest<'a>(written: &str, words: &[&'a str]) -> Option<&'a str> {
    let plain = |word: &str| word.to_lowercase().replace('-', "_");
    let written = plain(written);
    words
        .iter()
        .map(|word| (distance(&written, &plain(word)), *word))
        .filter(|(far, word)| {
            *far <= (word.chars().count().max(written.chars().count()) / 3).max(1)
        })
        .min_by_key(|(far, _)| *far)
        .map(|(_, word)| word)
}

/// How many letters have to be added, left out, changed or swapped with their neighbour: the
/// Damerau-Levenshtein distance in its form of optimal string alignment.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let changed = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = changed.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(before_last[j - 2] + 1);
            }
            row.push(least);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_count_edits_and_swaps() {
        for (a, b, expected) in [
            ("delay", "delay", 0),
            ("dealy", "delay", 1),
            ("sucess_rate", "success_rate", 1),
            ("", "loss", 4),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(distance(a, b), expected, "{a} {b}");
        }
    }

    #[test]
    fn only_near_words_are_suggested() {
        assert_eq!(
            nearest("sucess_rate", &["p99", "success_rate"]),
            Some("success_rate")
        );
        assert_eq!(
            nearest("steady-state", &["steady_state"]),
            Some("steady_state")
        );
        assert_eq!(nearest("P99", &["p99", "for"]), Some("p99"));
        assert_eq!(nearest("colour", &["p99", "for"]), None);
        assert_eq!(nearest("", &["p99"]), None);
    }
}
