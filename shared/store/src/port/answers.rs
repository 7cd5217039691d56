use std::collections::HashMap;

use async_trait::async_trait;
use jiff::Timestamp;
use runmill_proto::{
    RunId,
    message::{JobKey, ReusedAnswer},
};

use crate::{RunRow, StoreError};

/// Hash of what is sent for a job. Jobs with the same hash have the same request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestHash(pub [u8; 32]);

/// Ordinal and sample of a job in its run.
pub type JobPlace = (u32, u32);

/// An ended run with answers that are not in the index.
#[derive(Clone, Debug, PartialEq)]
pub struct UnindexedRun {
    pub run: RunRow,
    /// Place of its last answer in the index. `None`: none is there.
    pub after: Option<JobPlace>,
}

/// Part of the answers of a run, for the index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnswerHashes {
    pub run_id: RunId,
    /// Time at which the run has ended.
    pub ended_at: Timestamp,
    pub hashes: Vec<(JobPlace, RequestHash)>,
    /// Place of the last answer of this part, even if it has no hash.
    pub after: Option<JobPlace>,
    /// True if no answer follows.
    pub is_done: bool,
}

/// Index of the answers of ended runs, by which later runs find answers to their requests.
#[async_trait]
pub trait AnswerIndex: Send + Sync {
    /// Returns at most `limit` ended evaluations of the tenant, provider and model of `run`, by their ids, whose answers are
    /// not all in the index. A run that has ended again since it was indexed begins anew.
    async fn unindexed_runs(&self, run: &RunRow, limit: u32) -> Result<Vec<UnindexedRun>, StoreError>;

    /// Returns the places of at most `limit` answers that have a text, in order, beginning after `after`.
    async fn answer_places(
        &self,
        id: RunId,
        after: Option<JobKey>,
        limit: u32,
    ) -> Result<Vec<JobPlace>, StoreError>;

    /// Adds a part of a run's answers, and notes how far they are in the index. Adding a part again changes nothing.
    /// [`StoreError::Conflict`] if the run is not there or has not ended at that time.
    async fn index_answers(&self, part: &AnswerHashes) -> Result<(), StoreError>;

    /// Returns the answers in the index to requests with these hashes, each of the newest run that has one. Answers of `run`
    /// itself, of other tenants, of removed runs, and those above [`ReusedAnswer::BYTES_MAX`] are left out.
    async fn find_answers(
        &self,
        run: &RunRow,
        hashes: &[RequestHash],
    ) -> Result<HashMap<RequestHash, ReusedAnswer>, StoreError>;
}
