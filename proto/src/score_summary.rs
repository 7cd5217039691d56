use serde::{Deserialize, Serialize};

/// A run's score, always with its coverage.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ScoreSummary {
    /// Mean over the scored jobs, `0.0..=1.0`; `None` if none are scored.
    pub mean: Option<f64>,
    /// Standard error of the mean: the sample's standard deviation over the root of `scored`.
    pub stderr: Option<f64>,
    pub scored: u64,
    pub total: u64,
    /// `scored / total`.
    pub coverage: f64,
}
