use std::str::FromStr;

use async_trait::async_trait;
use jiff::Timestamp;
use runmill_proto::{DatasetId, RunId, Tenant, TokenId, UnknownName};
use serde_json::Value;

use crate::{
    LineFault, RunRow, StoreError,
    columns::{columns, stored_by_name},
};

/// A batch as its client asked for it.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchRow {
    /// Id of the batch, and of the run that makes its calls.
    pub id: RunId,
    pub tenant: Tenant,
    /// Token that made the batch. `None` for a token that the server was started with.
    pub token_id: Option<TokenId>,
    /// Id of the input file and of its dataset.
    pub dataset_id: DatasetId,
    pub version_hash: String,
    pub protocol: BatchProtocol,
    /// Path of the endpoint, such as `/v1/chat/completions`.
    pub endpoint: String,
    /// Name of the model, as the client wrote it.
    pub model: String,
    pub completion_window: String,
    /// Metadata of the client.
    pub metadata: Option<Value>,
    /// Reasons why the lines were refused. `None` for a batch with a run.
    pub faults: Option<Vec<LineFault>>,
    /// Number of lines.
    pub total: u64,
    /// Name of the request, by which the same one is known again.
    pub request_key: Option<String>,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    /// Time at which its run was canceled because the completion window was over.
    pub expired_at: Option<Timestamp>,
    /// True if a client has deleted the output file.
    pub output_hidden: bool,
    /// True if a client has deleted the error file.
    pub errors_hidden: bool,
}

columns! {
    BatchRow {
        fixed id,
        fixed tenant,
        fixed token_id,
        fixed dataset_id,
        fixed version_hash,
        fixed protocol,
        fixed endpoint,
        fixed model,
        fixed completion_window,
        fixed metadata,
        fixed faults,
        fixed total,
        fixed request_key,
        fixed created_at,
        fixed expires_at,
        updated expired_at,
        updated output_hidden,
        updated errors_hidden,
    }
}

/// Protocol in which a batch was asked for. Clients of the other one do not see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchProtocol {
    Openai,
    Anthropic,
}

stored_by_name! { BatchProtocol }

impl BatchProtocol {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Openai => "openai",
            Self::Anthropic => "anthropic",
        }
    }
}

impl FromStr for BatchProtocol {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        let known = [Self::Openai, Self::Anthropic];
        let found = known.into_iter().find(|protocol| protocol.as_str() == name);
        found.ok_or_else(|| UnknownName { text: name.to_owned(), known: known.map(Self::as_str).join(", ") })
    }
}

/// Content of a batch, by which a repeated request is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchContent {
    pub tenant: Tenant,
    pub token_id: Option<TokenId>,
    /// Input file. `None` if any with the same lines will do.
    pub dataset_id: Option<DatasetId>,
    pub version_hash: String,
    pub protocol: BatchProtocol,
    pub endpoint: String,
}

/// A file that is made of the results of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResultFile {
    /// The answers.
    Output,
    /// All other lines.
    Errors,
}

/// A batch that was created, or the existing one with the same request key.
#[derive(Clone, Debug, PartialEq)]
pub enum CreatedBatch {
    New(BatchRow),
    Existing(BatchRow),
}

/// Batches of clients.
#[async_trait]
pub trait Batches: Send + Sync {
    /// Inserts the batch and its run in one transaction. `run` must be new and have the id of the batch; it is `None` for a
    /// batch whose lines were refused. [`StoreError::NotFound`] if the provider or the dataset does not exist.
    async fn create_batch(&self, batch: &BatchRow, run: Option<&RunRow>) -> Result<CreatedBatch, StoreError>;

    async fn batch(&self, id: RunId) -> Result<BatchRow, StoreError>;

    /// Returns at most `limit` batches of the tenant, or of all, newest first, beginning before `before`.
    async fn batches(
        &self,
        tenant: Option<&Tenant>,
        protocol: BatchProtocol,
        before: Option<RunId>,
        limit: u32,
    ) -> Result<Vec<BatchRow>, StoreError>;

    /// Returns the newest batch with this content that was created at or after `since`.
    async fn newest_batch(
        &self,
        content: &BatchContent,
        since: Timestamp,
    ) -> Result<Option<BatchRow>, StoreError>;

    /// Returns at most `limit` batches whose completion window was over at `now`, and whose run goes on without having been
    /// canceled.
    async fn overdue_batches(&self, now: Timestamp, limit: u32) -> Result<Vec<RunId>, StoreError>;

    /// Records that the batch is canceled at `now` because its completion window is over. Idempotent: the first time
    /// counts.
    async fn expire_batch(&self, id: RunId, now: Timestamp) -> Result<(), StoreError>;

    /// Hides a file of results from clients. Idempotent.
    async fn hide_results(&self, id: RunId, file: ResultFile) -> Result<(), StoreError>;
}
