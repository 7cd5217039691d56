//! Programmatic scorers, which give an answer a score from 0 to 1.
//!
//! A scorer that cannot read an answer leaves it *unscored* and gives the reason. It never guesses, and it never
//! counts such an answer as wrong. An unscored answer lowers the coverage of the run's score.

mod aggregate;
mod answer;
mod checker;
mod choice;
mod code;
mod error;
mod exact;
mod extract;
mod f1;
mod includes;
mod json;
mod mark;
mod matching;
mod math;
mod negation;
mod number;
mod numeric;
mod pattern;
mod question;
mod rule;
mod run_scorer;
pub mod statistics;
mod text;
mod thinking;
mod verdict;

pub use aggregate::{Cluster, Latencies, ScoreTally};
use runmill_proto::{Item, Score, Scoring};

pub use crate::{
    answer::{AnswerRule, Form},
    checker::{CheckerError, check_item},
    error::ScoringError,
    includes::{IncludesRule, Require},
    json::JsonRule,
    matching::{MatchRule, Place},
    pattern::{PatternRule, Which},
    question::{Question, references},
    rule::Rule,
    run_scorer::RunScorer,
    verdict::verdict,
};

/// Scores `answer`, the whole text of the model's answer, as [`RunScorer::score`] does.
pub fn score(item: &Item, scoring: Option<&Scoring>, answer: &str) -> Option<Score> {
    RunScorer::new(scoring).score(item, answer)
}

/// Returns true if an answer to the item is a program that has to be run.
pub fn runs_program(item: &Item, scoring: Option<&Scoring>) -> bool {
    RunScorer::new(scoring).runs_program(item)
}

/// Checks that `scoring` can be used.
pub fn check(scoring: &Scoring) -> Result<(), ScoringError> {
    rule::check_settings(scoring)?;
    Rule::try_from(scoring)?.check()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use runmill_proto::{Answer, Inputs, ItemType};
    use serde_json::{Value, json};

    use super::*;

    fn item(checker: Value, answer: Option<&str>) -> Item {
        Item {
            id: "q".into(),
            item_type: ItemType::Freeform,
            inputs: Inputs { text: "?".into(), ..Inputs::default() },
            choices: Vec::new(),
            answer: answer.map(|text| Answer::One(text.into())),
            answers: Vec::new(),
            checker: (!checker.is_null()).then_some(checker),
            criteria: None,
            meta: None,
            request: None,
        }
    }

    fn scoring(value: Value) -> Scoring {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn the_item_is_above_the_run_and_the_run_above_the_type() {
        let includes = scoring(json!({"scorer": "includes"}));
        let table = [
            (json!("numeric"), Some(&includes), "numeric"),
            (json!({"scorer": "numeric", "tolerance": 1}), None, "numeric"),
            (Value::Null, Some(&includes), "includes"),
            (Value::Null, None, "exact"),
        ];
        for (checker, run, want) in table {
            let score = score(&item(checker.clone(), Some("42")), run, "42").unwrap();
            assert_eq!((score.scorer.as_str(), score.value), (want, Some(1.0)), "{checker}");
        }
    }

    #[test]
    fn each_type_has_its_scorer() {
        let scorer = |item_type| {
            let item =
                Item { item_type, choices: vec!["42".into(), "7".into()], ..item(Value::Null, Some("42")) };
            score(&item, None, "42").map(|score| score.scorer)
        };
        assert_eq!(scorer(ItemType::McqSingle).as_deref(), Some("choice"));
        assert_eq!(scorer(ItemType::McqMulti).as_deref(), Some("choice"));
        assert_eq!(scorer(ItemType::Code).as_deref(), Some("exact"));
        assert_eq!(scorer(ItemType::JudgePairwise), None);
    }

    #[test]
    fn nothing_is_scored_without_a_reference_or_by_choice() {
        let none = scoring(json!({"scorer": "none"}));
        assert_eq!(score(&item(Value::Null, None), None, "42"), None);
        assert_eq!(score(&item(Value::Null, Some("42")), Some(&none), "42"), None);
        assert_eq!(score(&item(json!("none"), Some("42")), None, "42"), None);
        let pattern = scoring(json!({"scorer": "regex", "pattern": "^4"}));
        assert_eq!(score(&item(Value::Null, None), Some(&pattern), "42").unwrap().value, Some(1.0));
    }

    #[test]
    fn a_checker_that_cannot_be_read_leaves_the_answer_unscored_and_says_why() {
        let negative = json!({"scorer": "numeric", "tolerance": -1});
        for checker in [json!("judge"), json!(7), json!({"scorer": "exakt"}), json!({}), negative] {
            let score = score(&item(checker.clone(), Some("42")), None, "42").unwrap();
            assert_eq!((score.scorer.as_str(), score.value), ("checker", None), "{checker}");
            assert!(score.detail.unwrap().starts_with("the item's checker cannot be read: "), "{checker}");
        }
    }

    #[test]
    fn an_empty_answer_is_unscored() {
        let score = score(&item(Value::Null, Some("42")), None, " \n").unwrap();
        assert_eq!((score.value, score.detail.as_deref()), (None, Some("the answer is empty")));
    }

    #[test]
    fn a_configuration_is_checked() {
        let table = [
            (json!({"scorer": "exact"}), None),
            (json!({"scorer": "regex", "pattern": "^a+$"}), None),
            (json!({"scorer": "regex"}), Some("needs a pattern")),
            (json!({"scorer": "regex", "pattern": "("}), Some("unclosed group")),
            (json!({"scorer": "numeric", "tolerance": 0.5}), None),
            (json!({"scorer": "numeric", "tolerance": -0.5}), Some("a number from 0 to 1e300")),
        ];
        for (value, want) in table {
            let fault = check(&scoring(value.clone())).err().map(|error| error.to_string());
            assert_eq!(fault.is_some(), want.is_some(), "{value}");
            assert!(fault.unwrap_or_default().contains(want.unwrap_or_default()), "{value}");
        }
    }

    proptest! {
        #[test]
        fn a_score_is_a_share_whatever_is_answered(
            scorer in prop::sample::select(vec!["exact", "includes", "numeric", "choice", "regex"]),
            reference in "\\PC{0,20}",
            answer in any::<String>(),
        ) {
            let item = Item { choices: vec!["yes".into(), "no".into()], ..item(json!(scorer), Some(&reference)) };
            let score = score(&item, None, &answer).unwrap();
            prop_assert!(score.value.is_none_or(|value| (0.0..=1.0).contains(&value)));
            prop_assert!(score.value.is_some() || score.detail.is_some(), "unscored says why");
        }
    }
}
