use serde::{Deserialize, Serialize};

use crate::{RunId, Unscored, api::Agreement};

/// Scores of a run's items, all of them and by group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RunScores {
    pub run_id: RunId,
    /// How the samples of an item become its score, as it was asked for.
    pub reducer: String,
    pub unscored_as: Unscored,
    pub all: GroupScore,
    /// One for each value of the field `group_by`, in the order of their names. Empty if none was asked for.
    pub groups: Vec<GroupScore>,
    /// One for each form in which the run asked its items: `original`, and the strategies of its variation. Empty if it has
    /// none.
    pub strategies: Vec<GroupScore>,
    /// Largest mean of a strategy less the smallest. Null if there are fewer than two.
    pub spread: Option<f64>,
    /// How the run's judges agree. Null if it has none.
    #[serde(default)]
    pub agreement: Option<Agreement>,
}

/// Score of a group of items.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GroupScore {
    /// Value of the field. Null for items that do not have it, and for all items.
    pub name: Option<String>,
    /// Mean over the items.
    pub mean: Option<f64>,
    /// Standard error of the mean over items, or over the clusters that `cluster_by` names.
    pub stderr: Option<f64>,
    /// Bounds of the mean's 95 % confidence interval: Wilson's where every item's score is 0 or 1 and items are
    /// independent, else by Student's t distribution.
    pub low: Option<f64>,
    pub high: Option<f64>,
    /// Number of items with a score.
    pub items: u64,
    /// Number of items of which no sample has a score.
    pub unscored: u64,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
pub struct ScoresQuery {
    /// Field of the items' `meta` by whose value they are grouped. At most 1,000 values are told apart.
    pub group_by: Option<String>,
    /// Field of the items' `meta` whose value items that depend on each other have in common, such as a document with
    /// several questions. The standard error is that of these clusters.
    pub cluster_by: Option<String>,
    /// How the samples of an item become its score: `mean` (default), `mode`, `max`, `pass_at:K` or `at_least:K`.
    pub reducer: Option<String>,
    /// Treatment of answers that the scorer could not read. Default: that of the run.
    pub unscored: Option<Unscored>,
    /// Version of the scores: its number, or `executors` for those that the executors gave. Default: the version by which the
    /// run is shown.
    pub score_version: Option<String>,
}
