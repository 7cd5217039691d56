use async_trait::async_trait;
use runmill_proto::message::JobKey;

use crate::StoreError;

/// State of a job that was fed, as the store knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobState {
    pub key: JobKey,
    /// True if the job has a result in the current pass of its run.
    pub has_result: bool,
    /// Number of the feeding for which the job waits, if it is deferred.
    pub deferred_attempt: Option<u32>,
}

/// Reads the states of single jobs.
#[async_trait]
pub trait JobStates: Send + Sync {
    /// Returns the state of each job, in the order of `jobs`.
    async fn job_states(&self, jobs: &[JobKey]) -> Result<Vec<JobState>, StoreError>;
}
