use serde::{Deserialize, Serialize};

use crate::RunId;

/// Difference of two runs over the items that both have scored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Comparison {
    pub a: RunId,
    pub b: RunId,
    /// Reasons why the difference may have another cause than the models.
    pub warnings: Vec<String>,
    /// Number of items that both runs have scored. Each counts once, with the mean of its samples.
    pub items: u64,
    /// Number of items that only one of the runs has scored.
    pub only_a: u64,
    pub only_b: u64,
    /// Means over the items of both. Null if there is none.
    pub mean_a: Option<f64>,
    pub mean_b: Option<f64>,
    /// Mean of the items' differences, that of `b` less that of `a`.
    pub difference: Option<f64>,
    /// Standard error of the difference, by the items' differences. Null for fewer than two items.
    pub stderr: Option<f64>,
    /// Bounds of the difference's 95 % confidence interval, by Student's t distribution.
    pub low: Option<f64>,
    pub high: Option<f64>,
    /// Probability of a difference as large as this if the runs were alike.
    pub p_value: Option<f64>,
    /// Test of `p_value`.
    pub test: ComparisonTest,
    /// Number of items whose score is higher in `b`.
    pub improved: u64,
    /// Number of items whose score is lower in `b`.
    pub worsened: u64,
    /// The first items that changed, in the order of the dataset: at most 1,000.
    pub changed: Vec<ChangedItem>,
}

/// Item whose score differs between two runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChangedItem {
    pub item_id: String,
    pub a: f64,
    pub b: f64,
}

/// Test of the hypothesis that two runs are alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ComparisonTest {
    /// Exact test of McNemar, where every item's score is 0 or 1.
    Mcnemar,
    /// Paired t test.
    PairedT,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
pub struct ComparisonQuery {
    /// Run to compare with.
    pub a: RunId,
    /// Run that is compared.
    pub b: RunId,
}
