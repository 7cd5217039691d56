use async_trait::async_trait;
use runmill_proto::{
    InvocationId, RunId,
    api::{InvocationRecord, ResultRecord},
    message::JobKey,
};

use crate::StoreError;

/// Fields of the items' `meta` that are read with the scores.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScoreFields {
    pub group: Option<String>,
    pub cluster: Option<String>,
}

/// Score of an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct JobScore {
    pub ordinal: u32,
    pub sample: u32,
    pub item_id: String,
    /// `None` if the scorer could not read the answer.
    pub value: Option<f64>,
    /// Values of the fields as text. `None` for a field that the item does not have, or that was not asked for.
    pub group: Option<String>,
    pub cluster: Option<String>,
}

/// Text of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredAnswer {
    pub ordinal: u32,
    pub sample: u32,
    pub response: String,
}

/// Result of a job, as far as a judge needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JudgedRow {
    pub ordinal: u32,
    /// Text of the answer. `None` if the job has no answer.
    pub response: Option<String>,
    /// What the scorer took as the answer.
    pub extracted: Option<String>,
}

/// Reads the results of jobs and the calls that were made for them.
#[async_trait]
pub trait ResultReader: Send + Sync {
    /// Returns at most `limit` results by ordinal and sample, beginning after `after`.
    async fn results(
        &self,
        id: RunId,
        after: Option<JobKey>,
        limit: u32,
    ) -> Result<Vec<ResultRecord>, StoreError>;

    /// Returns the scores of at most `limit` answers by ordinal and sample, beginning after `after`. Answers without a score
    /// are left out.
    async fn scores(
        &self,
        id: RunId,
        fields: &ScoreFields,
        after: Option<JobKey>,
        limit: u32,
    ) -> Result<Vec<JobScore>, StoreError>;

    /// Returns at most `limit` answers that have a text, by ordinal and sample, beginning after `after`.
    async fn answers(
        &self,
        id: RunId,
        after: Option<JobKey>,
        limit: u32,
    ) -> Result<Vec<StoredAnswer>, StoreError>;

    /// Returns the results of one sample of `count` items from `first` on, as far as they are recorded, by ordinal.
    async fn judged(
        &self,
        id: RunId,
        sample: u32,
        first: u32,
        count: u32,
    ) -> Result<Vec<JudgedRow>, StoreError>;

    /// Returns at most `limit` invocations in the order of their ids, beginning after `after`.
    async fn invocations(
        &self,
        id: RunId,
        after: Option<InvocationId>,
        limit: u32,
    ) -> Result<Vec<InvocationRecord>, StoreError>;
}
