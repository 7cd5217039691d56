use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Judge, ScoreSummary, Scoring, api::Budget};

/// Request to score the stored answers of a run anew.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewScoring {
    /// Scorer of the items that name none of their own. Null: the scorer of each item's type.
    #[serde(default)]
    pub scoring: Option<Scoring>,
    /// Models that judge the answers. The scorers' versions stay as they are then, and `scoring` must be absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub judges: Vec<Judge>,
    /// Largest use of each of these judges. Default: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<Budget>,
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
    /// True for a further scorer of the run's `scorers`, by which the run is not shown. It is made anew whenever the run ends.
    #[serde(default)]
    pub further: bool,
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
