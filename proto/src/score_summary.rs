use serde::{Deserialize, Serialize};

use crate::Unscored;

/// Score of a run, always with its coverage.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ScoreSummary {
    /// Mean over the scored jobs, from 0 to 1, with the unscored ones if `unscored_as` is `zero`. Null if there is none.
    pub mean: Option<f64>,
    /// Standard error of the mean. Answers to one item depend on each other, so where items have several samples, it is
    /// that of a mean over items.
    pub stderr: Option<f64>,
    pub scored: u64,
    pub total: u64,
    /// Share of all jobs that were scored: `scored / total`.
    pub coverage: f64,
    /// Number of answers that the scorer could not read.
    #[serde(default)]
    pub unscored: u64,
    /// Treatment of these answers in the mean.
    #[serde(default)]
    pub unscored_as: Unscored,
    /// Mean by the other treatment. Null if it has no scores.
    #[serde(default)]
    pub mean_otherwise: Option<f64>,
}
