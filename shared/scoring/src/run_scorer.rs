use runmill_proto::{Item, Score, Scoring};

use crate::{
    Rule, ScoringError, checker,
    mark::Mark,
    question::{Question, references},
};

/// Scorer of a run, which is read once for all answers.
pub struct RunScorer {
    rule: Option<Result<Rule, ScoringError>>,
}

impl RunScorer {
    /// Reads the scorer of a run. Without one, the type of each item decides.
    pub fn new(scoring: Option<&Scoring>) -> Self {
        Self { rule: scoring.map(Rule::try_from) }
    }

    /// Scores `answer`, the whole text of the model's answer.
    ///
    /// The item's own checker takes precedence over the run's scorer. Without either, the item's type decides. Returns
    /// `None` if there is nothing to score: the scorer is `none`, or the item has no reference.
    pub fn score(&self, item: &Item, answer: &str) -> Option<Score> {
        let rule = match checker::effective(item, self.rule.as_ref()) {
            Ok(rule) => rule?,
            Err(error) => return Some(Mark::unscored(error.to_string()).into_score("checker", 1)),
        };
        let references = references(item);
        if item.answer.is_none() && references.is_empty() && rule.needs_reference() {
            return None;
        }
        rule.score(&Question::of(item, &references), answer)
    }

    /// Returns true if an answer to the item is a program that has to be run.
    pub fn runs_program(&self, item: &Item) -> bool {
        let rule = checker::effective(item, self.rule.as_ref());
        rule.is_ok_and(|rule| rule.is_some_and(|rule| *rule == Rule::Code))
    }
}
