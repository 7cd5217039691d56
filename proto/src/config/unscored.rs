use serde::{Deserialize, Serialize};

/// Treatment of answers that the scorer could not read, in the mean of a run's scores.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Unscored {
    /// They are left out of the mean, and lower the coverage.
    #[default]
    Skip,
    /// They count as 0.
    Zero,
}
