//! Scorers with their settings, and what they score.

mod scoring;
mod version;

use runmill_proto::{Score, Scoring};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    ScoringError,
    answer::AnswerRule,
    choice, exact, f1,
    includes::{self, IncludesRule},
    json::JsonRule,
    mark::Mark,
    matching::MatchRule,
    math, numeric,
    pattern::PatternRule,
    question::Question,
    thinking,
};

pub use scoring::check_settings;

/// A scorer with its settings. In JSON it is an object with the scorer's name as `scorer`.
///
/// Several references are alternatives, any of which is right, unless a scorer says otherwise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "scorer", rename_all = "snake_case")]
pub enum Rule {
    /// Right if the extracted answer equals a reference, apart from case, white space and decoration.
    Exact,
    /// Right if the answer contains a reference, or all of them.
    Includes(IncludesRule),
    /// Right if the pattern matches, or if its first group equals a reference. The older name of `pattern`.
    Regex(PatternRule),
    /// Right if the number that the answer gives equals a reference.
    Numeric {
        /// Largest absolute difference of equal numbers, from 0 to 1e300. Without it, integers are equal exactly, and
        /// other numbers to a difference of 2e-6 of the reference.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tolerance: Option<f64>,
    },
    /// Compares the choices that the answer names with the references, all of which are right together. The value is
    /// the F1 score of the set.
    Choice,
    /// Right if a reference is at a place of the answer.
    Match(MatchRule),
    /// Right if a match of a regular expression equals a reference.
    Pattern(PatternRule),
    /// Right if what follows the last "Answer:" equals a reference.
    Answer(AnswerRule),
    /// Value is the F1 score of the words that the answer shares with the most similar reference.
    F1,
    /// Checks the JSON of an answer.
    Json(JsonRule),
    /// Right if the expression of an answer equals a reference, as a number or for all values of its variables.
    Math,
    /// Right if the program in the answer passes the tests of the item. Only an executor runs programs, so it is unscored here.
    Code,
    /// Gives no score.
    None,
}

impl Rule {
    /// Reads a rule and checks that it can be used. A string is the name of a scorer without settings.
    pub fn from_json(json: &Value) -> Result<Self, ScoringError> {
        let rule = Self::read(json).map_err(|error| ScoringError::Json(error.to_string()))?;
        rule.check()?;
        Ok(rule)
    }

    /// Reads a rule without a check.
    pub(crate) fn read(json: &Value) -> serde_json::Result<Self> {
        let named = json.as_str().map(|name| serde_json::json!({ "scorer": name }));
        Self::deserialize(named.as_ref().unwrap_or(json))
    }

    /// Checks that the rule can be used.
    pub fn check(&self) -> Result<(), ScoringError> {
        match self {
            Self::Numeric { tolerance: Some(tolerance) } if !Scoring::TOLERANCE.contains(*tolerance) => {
                Err(ScoringError::Tolerance)
            }
            Self::Regex(rule) | Self::Pattern(rule) => rule.check(),
            Self::Json(rule) => rule.check(),
            _ => Ok(()),
        }
    }

    /// Scores `answer`, the whole text of the model's answer. Returns `None` if there is nothing to score: the rule
    /// is `none`, or it needs a reference and there is none.
    pub fn score(&self, question: &Question<'_>, answer: &str) -> Option<Score> {
        Some(self.mark(question, answer)?.into_score(self.name(), self.version()))
    }

    fn mark(&self, question: &Question<'_>, answer: &str) -> Option<Mark> {
        // A reference can be that none of the choices is right.
        let may_be_none = matches!(self, Self::Choice) && question.several;
        if matches!(self, Self::None)
            || question.references.is_empty() && self.needs_reference() && !may_be_none
        {
            return None;
        }
        let answer = if self.reads_thinking() { answer } else { thinking::without_thinking(answer) };
        if answer.trim().is_empty() {
            return Some(Mark::unscored("the answer is empty"));
        }
        let references = question.references;
        Some(match self {
            Self::Exact => exact::mark(references, question.is_code, answer),
            Self::Includes(rule) => includes::mark(*rule, question, answer),
            Self::Regex(rule) | Self::Pattern(rule) => rule.mark(references, answer),
            Self::Numeric { tolerance } => numeric::mark(references, *tolerance, answer),
            Self::Choice => choice::mark(question, answer),
            Self::Match(rule) => rule.mark(references, answer),
            Self::Answer(rule) => rule.mark(question, answer),
            Self::F1 => f1::mark(references, answer),
            Self::Json(rule) => rule.mark(references, answer),
            Self::Math => math::mark(references, answer),
            Self::Code => Mark::unscored("only executors run programs"),
            Self::None => return None,
        })
    }

    pub(crate) fn needs_reference(&self) -> bool {
        match self {
            Self::Regex(rule) | Self::Pattern(rule) => rule.needs_reference(),
            Self::Json(_) | Self::Code => false,
            _ => true,
        }
    }

    /// A pattern that names the marks of thinking is about them.
    fn reads_thinking(&self) -> bool {
        match self {
            Self::Regex(rule) | Self::Pattern(rule) => rule.is_about_thinking(),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests;
