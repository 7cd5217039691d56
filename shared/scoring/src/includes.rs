//! Scores an answer as correct if it contains the references, apart from case, white space and typography.

use serde::{Deserialize, Serialize};

use crate::{mark::Mark, question::Question, text::normalise};

/// Settings of `includes`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncludesRule {
    /// References that must be there. Without it, all of them, or any of an item's `answers`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub require: Option<Require>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Require {
    /// One reference is enough.
    Any,
    /// Every reference must be there.
    All,
}

pub(crate) fn mark(rule: IncludesRule, question: &Question<'_>, answer: &str) -> Mark {
    let wanted: Vec<_> = question.references.iter().map(|reference| normalise(reference)).collect();
    if wanted.is_empty() || wanted.iter().any(String::is_empty) {
        return Mark::unscored("the reference is empty");
    }
    let text = normalise(answer);
    let mut has = wanted.iter().map(|wanted| text.contains(wanted.as_str()));
    let by_default = if question.alternatives { Require::Any } else { Require::All };
    let right = match rule.require.unwrap_or(by_default) {
        Require::Any => has.any(|has| has),
        Require::All => has.all(|has| has),
    };
    Mark { value: Some(if right { 1.0 } else { 0.0 }), extracted: None, detail: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers() {
        // references, answer, value with all of them, with any of them
        type Row = (&'static [&'static str], &'static str, Option<f64>, Option<f64>);
        let table: [Row; 7] = [
            (&["Paris"], "It is PARIS, of course", Some(1.0), Some(1.0)),
            (&["New York"], "new\nyork", Some(1.0), Some(1.0)),
            (&["it's"], "It’s so", Some(1.0), Some(1.0)),
            (&["Paris"], "Rome", Some(0.0), Some(0.0)),
            (&["red", "blue"], "Blue and red", Some(1.0), Some(1.0)),
            (&["red", "blue"], "blue", Some(0.0), Some(1.0)),
            (&[" "], "anything", None, None),
        ];
        for (references, answer, all, any) in table {
            let references: Vec<_> = references.iter().map(ToString::to_string).collect();
            let of = |require, alternatives| {
                let question = Question { references: &references, alternatives, ..Question::default() };
                mark(IncludesRule { require }, &question, answer).value
            };
            let named = (of(Some(Require::All), true), of(Some(Require::Any), false));
            assert_eq!(named, (all, any), "{references:?} in {answer}");
            assert_eq!((of(None, false), of(None, true)), (all, any), "{references:?} in {answer}");
        }
    }
}
