use async_trait::async_trait;
use runmill_proto::{
    InvocationId, RunId,
    api::{InvocationRecord, ResultRecord},
    message::JobKey,
};

use crate::StoreError;

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

    /// Returns at most `limit` invocations in the order of their ids, beginning after `after`.
    async fn invocations(
        &self,
        id: RunId,
        after: Option<InvocationId>,
        limit: u32,
    ) -> Result<Vec<InvocationRecord>, StoreError>;
}
