use serde::{Deserialize, Serialize};

use crate::{Range, range::optional_number};

/// Scorer of a run and its settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Scoring {
    pub scorer: Scorer,
    /// For `regex`: pattern that the answer must match. Its first group, if it has one, is the extracted answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// For `numeric`: largest absolute difference that still counts as equal, from 0 to 1e300. Default: 1e-6.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "optional_number")]
    pub tolerance: Option<f64>,
}

impl Scoring {
    pub const TOLERANCE: Range<f64> = Range::new(0.0, 1e300);

    /// Returns false for a tolerance that is negative, too large or no number.
    pub fn has_tolerance_in_range(&self) -> bool {
        self.tolerance.is_none_or(|tolerance| Self::TOLERANCE.contains(tolerance))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Scorer {
    /// Correct if the extracted answer equals the reference, apart from case and white space.
    Exact,
    /// Correct if the reference occurs in the answer.
    Includes,
    Regex,
    /// Correct if the last number of the answer differs from the reference by no more than the tolerance.
    Numeric,
    /// Compares the letter or text of the choice with the reference. For `mcq_multi` the value is the F1 score of the
    /// set of choices.
    Choice,
    /// Gives no score.
    None,
}
