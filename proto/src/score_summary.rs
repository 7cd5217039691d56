use serde::{Deserialize, Serialize};

/// Score of a run, always with its coverage.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ScoreSummary {
    /// Mean over the scored jobs, from 0 to 1. Null if none is scored.
    pub mean: Option<f64>,
    /// Standard error of the mean: the standard deviation of the scores divided by the square root of `scored`.
    pub stderr: Option<f64>,
    pub scored: u64,
    pub total: u64,
    /// Share of all jobs that were scored: `scored / total`.
    pub coverage: f64,
}
