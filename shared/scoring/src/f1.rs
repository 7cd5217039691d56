//! Scores the words that an answer shares with a reference, by the F1 score of `SQuAD`.

use std::collections::BTreeMap;

use crate::{mark::Mark, text::normalise};

const ARTICLES: &[&str] = &["a", "an", "the"];

/// Scores `answer` by the most similar of `references`.
pub(crate) fn mark(references: &[String], answer: &str) -> Mark {
    let given = words(answer);
    let best = references.iter().map(|reference| f1(&given, &words(reference))).fold(0.0, f64::max);
    Mark::scored(best, given.join(" "))
}

/// Returns the words in lower case, without punctuation and articles.
fn words(text: &str) -> Vec<String> {
    let kept = normalise(text).replace(|c: char| c.is_ascii_punctuation(), "");
    kept.split_whitespace().filter(|word| !ARTICLES.contains(word)).map(str::to_owned).collect()
}

/// Returns the harmonic mean of precision and recall of the words, each counted as often as it occurs.
#[expect(clippy::cast_precision_loss, reason = "answers have far fewer words than 2^52")]
fn f1(given: &[String], wanted: &[String]) -> f64 {
    if given.is_empty() || wanted.is_empty() {
        return if given.is_empty() == wanted.is_empty() { 1.0 } else { 0.0 };
    }
    let mut left = BTreeMap::new();
    for word in wanted {
        *left.entry(word).or_insert(0_usize) += 1;
    }
    let mut shared = 0_usize;
    for word in given {
        if let Some(count) = left.get_mut(word).filter(|count| **count > 0) {
            *count -= 1;
            shared += 1;
        }
    }
    (2 * shared) as f64 / (given.len() + wanted.len()) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_words_count() {
        let table: [(&[&str], &str, f64); 7] = [
            (&["the Eiffel Tower"], "Eiffel Tower!", 1.0),
            (&["Eiffel Tower"], "It is the Eiffel Tower.", 2.0 * 2.0 / 6.0),
            (&["Rome", "Eiffel Tower"], "Tower", 2.0 / 3.0),
            (&["yes yes"], "yes", 2.0 / 3.0),
            (&["no"], "yes", 0.0),
            (&["The"], "a", 1.0),
            (&["U.S.A."], "USA", 1.0),
        ];
        for (references, answer, want) in table {
            let references: Vec<_> = references.iter().map(ToString::to_string).collect();
            let got = mark(&references, answer).value.unwrap();
            assert!((got - want).abs() < 1e-12, "{references:?} and {answer}: {got}");
        }
    }
}
