use async_trait::async_trait;
use jiff::Timestamp;
use runmill_proto::{DatasetId, Tenant, TokenId};
use serde::{Deserialize, Serialize};

use crate::{
    StoreError,
    columns::{columns, stored_as_json},
};

/// A file of requests, which a client uploaded. Its lines are the items of a dataset.
#[derive(Clone, Debug, PartialEq)]
pub struct FileRow {
    /// Id of the dataset, and of the file.
    pub dataset_id: DatasetId,
    pub tenant: Tenant,
    /// Token that uploaded the file. `None` for a token that the server was started with.
    pub token_id: Option<TokenId>,
    pub name: String,
    pub purpose: String,
    /// Size of the upload in bytes.
    pub bytes: u64,
    pub lines: FileLines,
    pub created_at: Timestamp,
    /// True if no client sees the file. Its lines stay while a batch needs them.
    pub hidden: bool,
}

columns! {
    FileRow {
        fixed dataset_id,
        fixed tenant,
        fixed token_id,
        fixed name,
        fixed purpose,
        fixed bytes,
        fixed lines,
        fixed created_at,
        updated hidden,
    }
}

/// Summary of the lines of a file, made while they were uploaded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FileLines {
    pub count: u64,
    /// Path of the endpoint that the first valid line names. Lines with another one have a fault.
    pub url: Option<String>,
    /// Model that the first valid line names. Lines with another one have a fault.
    pub model: Option<String>,
    /// Faults in the order of the lines. There may be more than are listed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<LineFault>,
    /// Number of lines with a fault.
    pub faulty: u64,
    /// True if the upload did not end with a line feed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unterminated: bool,
}

/// Reason why a line of a file is no request, or, without a line, why the batch is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineFault {
    /// Name of the fault that programs read, such as `duplicate_custom_id`.
    pub code: String,
    pub message: String,
    /// Number of the line in the file, from 1.
    pub line: Option<u64>,
    /// Field of the line.
    pub param: Option<String>,
}

stored_as_json! { FileLines, Vec<LineFault> }

/// Files that clients uploaded. Each is made beside its dataset, which is stored first.
#[async_trait]
pub trait Files: Send + Sync {
    async fn create_file(&self, row: &FileRow) -> Result<(), StoreError>;

    /// Returns a file, also one that is hidden.
    async fn file(&self, id: DatasetId) -> Result<FileRow, StoreError>;

    /// Returns at most `limit` files of the tenant, or of all, that are not hidden, newest first, beginning before `before`.
    async fn files(
        &self,
        tenant: Option<&Tenant>,
        before: Option<DatasetId>,
        limit: u32,
    ) -> Result<Vec<FileRow>, StoreError>;
}
