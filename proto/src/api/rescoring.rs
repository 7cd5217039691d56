use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{ScoreSummary, Scoring};

/// Request to score the stored answers of a run anew.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewScoring {
    /// Scorer of the items that name none of their own. Null: the scorer of each item's type.
    #[serde(default)]
    pub scoring: Option<Scoring>,
}

/// Scores that were made anew of a run's stored answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ScoreVersion {
    /// Number of the version, from 1. Version 0 is that of the executors.
    pub version: u32,
    pub scoring: Option<Scoring>,
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub made_at: Timestamp,
    pub score: ScoreSummary,
}

/// Scoring under way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ScoringProgress {
    /// Version that the scores become.
    pub version: u32,
    pub scoring: Option<Scoring>,
    /// Number of answers that are scored.
    pub done: u64,
    /// Number of the run's answers.
    pub total: u64,
}
