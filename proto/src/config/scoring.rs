use serde::{Deserialize, Serialize};

use crate::{Range, range::optional_number};

/// The scorer of a run and its settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Scoring {
    pub scorer: Scorer,
    /// For `regex`: the pattern that the answer must match; its first group, if any, is the extracted answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// For `numeric`: the largest difference that still counts as equal, absolute, from 0 to 1e300. Default: 1e-6.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "optional_number")]
    pub tolerance: Option<f64>,
}

impl Scoring {
    pub const TOLERANCE: Range<f64> = Range::new(0.0, 1e300);

    /// Returns false for a tolerance that nothing could be within.
    pub fn has_tolerance_in_range(&self) -> bool {
        self.tolerance.is_none_or(|tolerance| Self::TOLERANCE.contains(tolerance))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Scorer {
    /// Right if equal to the reference after extraction, case and white space aside.
    Exact,
    /// Right if the reference occurs in the answer.
    Includes,
    Regex,
    /// Right if the last number of the answer is within the tolerance.
    Numeric,
    /// Compares the letter or text of the choice; a set with F1 for `mcq_multi`.
    Choice,
    /// Gives no score.
    None,
}
