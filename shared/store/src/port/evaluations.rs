use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use runmill_proto::RunId;

use crate::{CreatedRun, RunRow, StoreError, TokenRow, columns::columns};

/// Parts of a run that LightEval needs beside the row of the run.
#[derive(Clone, Debug, PartialEq)]
pub struct NewEvaluation {
    /// Tasks, as the run's configuration names them.
    pub tasks: serde_json::Value,
    /// Configuration in LightEval's form, without a key.
    pub config: String,
    /// Token with which LightEval calls the front door, encrypted for the executors.
    pub sealed: Vec<u8>,
    /// The same token, as the front door knows it. It belongs to the run.
    pub token: TokenRow,
}

/// A run for which an executor runs LightEval now.
#[derive(Clone, Debug, PartialEq)]
pub struct ClaimedEvaluation {
    pub run_id: RunId,
    /// Number of the claim, from 1. What was sent under an earlier one does not count.
    pub attempt: u32,
    pub tasks: serde_json::Value,
    pub config: String,
    pub sealed: Vec<u8>,
}

columns! {
    ClaimedEvaluation {
        fixed run_id,
        fixed attempt,
        fixed tasks,
        fixed config,
        fixed sealed,
    }
}

/// Creates and ends the runs that LightEval executes, for a dispatcher.
#[async_trait]
pub trait Evaluations: Send + Sync {
    /// Creates the run as [`RunWriter::create_run`](crate::RunWriter::create_run) does, with its evaluation, its token, and a
    /// dataset of its own, which has one item that stands for the samples until they come. A run with the same idempotency
    /// key is returned as it is, and nothing is written.
    async fn create_evaluation(&self, row: &RunRow, new: &NewEvaluation) -> Result<CreatedRun, StoreError>;

    /// Ends the runs as failed over which [`DEATHS_MAX`] executors died. Returns them.
    async fn end_dead_evaluations(&self, now: Timestamp) -> Result<Vec<RunId>, StoreError>;

    /// Deletes the evaluations, with their tokens, of runs that have ended.
    async fn forget_evaluations(&self) -> Result<(), StoreError>;
}

/// Number of executors that may die over a run of LightEval. It then fails.
pub const DEATHS_MAX: u32 = 3;

/// Claims of executors on the runs that LightEval executes. A claim is a lease by the store's clock: it ends by itself if it
/// is not renewed, so that another executor takes the place of one that is dead, frozen or cut off.
#[async_trait]
pub trait EvaluationClaims: Send + Sync {
    /// Claims the oldest run that no executor has, for `lease`, and starts it. What an earlier claim has recorded of its
    /// samples is deleted. Returns `None` if there is no such run. A run over which [`DEATHS_MAX`] executors died is not
    /// claimed.
    async fn claim_evaluation(
        &self,
        executor: &str,
        lease: Duration,
        now: Timestamp,
    ) -> Result<Option<ClaimedEvaluation>, StoreError>;

    /// Extends a claim by its full length from now on. Returns false if it has ended or another executor has the run, if the
    /// run has ended, or if it is being canceled.
    async fn renew_evaluation(
        &self,
        run_id: RunId,
        attempt: u32,
        lease: Duration,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Gives the run back, so that another executor can claim it at once. Does nothing if the claim has ended.
    async fn release_evaluation(&self, run_id: RunId, attempt: u32) -> Result<(), StoreError>;
}
