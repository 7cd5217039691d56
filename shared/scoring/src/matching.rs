//! Scores an answer as correct if a reference is at a place of it.

use serde::{Deserialize, Serialize};

use crate::{
    mark::Mark,
    number::{Number, numbers, plain},
    numeric::equal,
    text::{find_words, key},
};

/// Settings of `match`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MatchRule {
    /// Place at which the reference must be.
    #[serde(default)]
    pub place: Place,
    /// Compares numbers instead of texts.
    #[serde(default)]
    pub numeric: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    Begin,
    #[default]
    End,
    Any,
    Exact,
}

impl MatchRule {
    pub(crate) fn mark(self, references: &[String], answer: &str) -> Mark {
        if self.numeric { self.mark_number(references, answer) } else { self.mark_text(references, answer) }
    }

    /// Compares whole words, apart from case, white space and decoration.
    fn mark_text(self, references: &[String], answer: &str) -> Mark {
        let wanted: Vec<_> = references.iter().map(|reference| key(reference)).collect();
        if wanted.iter().all(String::is_empty) {
            return Mark::unscored("the reference is empty");
        }
        let text = key(answer);
        let is_there = |wanted: &String| {
            let mut places = find_words(&text, wanted);
            match self.place {
                Place::Begin => places.any(|start| start == 0),
                Place::End => places.any(|start| start + wanted.len() == text.len()),
                Place::Any => places.next().is_some(),
                Place::Exact => text == *wanted,
            }
        };
        let right = wanted.iter().find(|wanted| is_there(wanted));
        Mark { value: Some(if right.is_some() { 1.0 } else { 0.0 }), extracted: right.cloned(), detail: None }
    }

    /// Compares the first number, the last, any, or the one that is all of the answer.
    fn mark_number(self, references: &[String], answer: &str) -> Mark {
        let wanted: Vec<_> = references.iter().filter_map(|text| numbers(&plain(text)).pop()).collect();
        if wanted.is_empty() {
            return Mark::unscored("the reference has no number");
        }
        let text = plain(answer);
        let given = self.given(&text);
        if given.is_empty() {
            return Mark::unscored("the answer has no number at that place");
        }
        let right = given.iter().find(|got| wanted.iter().any(|want| equal(got, want, None)));
        let shown = right.or_else(|| given.last()).map_or("", |number| &text[number.start..number.end]);
        Mark::right(right.is_some(), shown)
    }

    fn given(self, text: &str) -> Vec<Number> {
        let mut numbers = numbers(text);
        numbers.retain(|number| !is_calculation(text, number));
        match self.place {
            Place::Begin => numbers.truncate(1),
            Place::End => drop(numbers.drain(..numbers.len().saturating_sub(1))),
            Place::Any => {}
            Place::Exact => numbers.retain(|number| is_all(text, number)),
        }
        numbers
    }
}

/// Returns true for the quotient of "30/3 = 6", whose result is the number behind it.
fn is_calculation(text: &str, number: &Number) -> bool {
    text[number.start..number.end].contains('/') && text[number.end..].trim_start().starts_with(['=', '≈'])
}

/// Returns true if a text has no letter or digit beside the number.
fn is_all(text: &str, number: &Number) -> bool {
    !text[..number.start].contains(char::is_alphanumeric)
        && !text[number.end..].contains(char::is_alphanumeric)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_found_at_its_place() {
        let table = [
            // answer, begin, end, any, exact
            ("Paris", [1.0, 1.0, 1.0, 1.0]),
            ("paris.", [1.0, 1.0, 1.0, 1.0]),
            ("Paris it is", [1.0, 0.0, 1.0, 0.0]),
            ("It is Paris!", [0.0, 1.0, 1.0, 0.0]),
            ("It is Paris, I think", [0.0, 0.0, 1.0, 0.0]),
            ("Parisian", [0.0, 0.0, 0.0, 0.0]),
        ];
        for (answer, wanted) in table {
            for (place, want) in [Place::Begin, Place::End, Place::Any, Place::Exact].into_iter().zip(wanted)
            {
                let mark = MatchRule { place, numeric: false }.mark(&["Paris".into()], answer);
                assert_eq!(mark.value, Some(want), "{answer} {place:?}");
            }
        }
    }

    #[test]
    fn a_number_is_found_at_its_place() {
        let table = [
            ("$1,000", [Some(1.0), Some(1.0), Some(1.0), Some(1.0)]),
            ("**1000**.", [Some(1.0), Some(1.0), Some(1.0), Some(1.0)]),
            ("Answer: 1000", [Some(1.0), Some(1.0), Some(1.0), None]),
            ("1000 eggs", [Some(1.0), Some(1.0), Some(1.0), None]),
            ("1000 eggs in 3 days", [Some(1.0), Some(0.0), Some(1.0), None]),
            ("In 3 days, 1000.", [Some(0.0), Some(1.0), Some(1.0), None]),
            ("3000/3 = 6 a day", [Some(0.0), Some(0.0), Some(0.0), None]),
            ("3000/3", [Some(1.0), Some(1.0), Some(1.0), Some(1.0)]),
            ("none", [None; 4]),
        ];
        for (answer, wanted) in table {
            for (place, want) in [Place::Begin, Place::End, Place::Any, Place::Exact].into_iter().zip(wanted)
            {
                let mark = MatchRule { place, numeric: true }.mark(&["1000".into()], answer);
                assert_eq!(mark.value, want, "{answer} {place:?}");
            }
        }
    }
}
