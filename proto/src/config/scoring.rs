use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Range, range::optional_number, text_enum::text_enum};

/// Scorer of a run and its settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Scoring {
    pub scorer: Scorer,
    /// For `pattern` and `regex`: pattern that the answer must match. Its first group, if it has one, is the extracted
    /// answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// For `numeric`: largest absolute difference that still counts as equal, from 0 to 1e300. Without it, integers
    /// must be equal, and other numbers to 2e-6 of the reference.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "optional_number")]
    pub tolerance: Option<f64>,
    /// Further settings of the scorer, by their names.
    #[cfg_attr(feature = "openapi", schema(ignore))]
    #[serde(flatten)]
    pub options: Map<String, Value>,
}

impl From<Scorer> for Scoring {
    /// Returns a scorer without settings.
    fn from(scorer: Scorer) -> Self {
        Self { scorer, pattern: None, tolerance: None, options: Map::new() }
    }
}

impl Scoring {
    pub const TOLERANCE: Range<f64> = Range::new(0.0, 1e300);

    /// Returns false for a tolerance that is negative, too large or no number.
    pub fn has_tolerance_in_range(&self) -> bool {
        self.tolerance.is_none_or(|tolerance| Self::TOLERANCE.contains(tolerance))
    }
}

text_enum! {
    /// Way in which an answer becomes a score.
    Scorer {
        /// Correct if the extracted answer equals the reference, apart from case and white space.
        Exact = "exact",
        /// Correct if the reference occurs in the answer, or with `require: "all"` each of several.
        Includes = "includes",
        /// Older name of `pattern`.
        Regex = "regex",
        /// Correct if the number that the answer gives differs from the reference by no more than the tolerance.
        Numeric = "numeric",
        /// Compares the letter or text of the choice with the reference. For `mcq_multi` the value is the F1 score of the
        /// set of choices.
        Choice = "choice",
        /// Correct if the reference is at a `place` of the answer: `begin`, `end` (default), `any` or `exact`, also by its number
        /// with `numeric: true`.
        Match = "match",
        /// Correct if the `pattern` matches, or if a `group` of the `which` match, `first` or `last`, equals the reference.
        Pattern = "pattern",
        /// Correct if what follows the last "Answer:" equals the reference: the `line`, a `letter` or a `word`, by `form`.
        Answer = "answer",
        /// Shares the words of the reference: the value is the F1 score.
        F1 = "f1",
        /// Correct if the answer has JSON that keeps to the `schema` and equals the reference, or in `fields` alone.
        Json = "json",
        /// Correct if the answer has an expression that equals the reference.
        Math = "math",
        /// Correct if the program in the answer passes the tests of the item, which executors run where they may.
        Code = "code",
        /// Gives no score.
        None = "none",
    }
}
