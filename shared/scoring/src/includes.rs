//! Scores an answer as correct if it contains every reference, apart from case, white space and typography.

use crate::{mark::Mark, text::normalise};

pub(crate) fn mark(references: &[String], answer: &str) -> Mark {
    let wanted: Vec<_> = references.iter().map(|reference| normalise(reference)).collect();
    if wanted.is_empty() || wanted.iter().any(String::is_empty) {
        return Mark::unscored("the reference is empty");
    }
    let text = normalise(answer);
    let missing = wanted.iter().find(|wanted| !text.contains(wanted.as_str()));
    Mark { value: Some(if missing.is_none() { 1.0 } else { 0.0 }), extracted: None, detail: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers() {
        let table: [(&[&str], &str, Option<f64>); 7] = [
            (&["Paris"], "It is PARIS, of course", Some(1.0)),
            (&["New York"], "new\nyork", Some(1.0)),
            (&["it's"], "It’s so", Some(1.0)),
            (&["Paris"], "Rome", Some(0.0)),
            (&["red", "blue"], "Blue and red", Some(1.0)),
            (&["red", "blue"], "blue", Some(0.0)),
            (&[" "], "anything", None),
        ];
        for (references, answer, want) in table {
            let references: Vec<_> = references.iter().map(ToString::to_string).collect();
            assert_eq!(mark(&references, answer).value, want, "{references:?} in {answer}");
        }
    }
}
