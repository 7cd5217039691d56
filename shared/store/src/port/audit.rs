use async_trait::async_trait;
use runmill_proto::{AuditId, Tenant, api::AuditEntry};

use crate::StoreError;

/// Log of who changed what.
#[async_trait]
pub trait AuditLog: Send + Sync {
    /// Appends an entry, and deletes those before `keep_from`: ids are in the order of time.
    async fn append_audit(&self, entry: &AuditEntry, keep_from: AuditId) -> Result<(), StoreError>;

    /// Returns at most `limit` entries of the tenant, or of all, newest first, beginning before `before`.
    async fn audit(
        &self,
        tenant: Option<&Tenant>,
        before: Option<AuditId>,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, StoreError>;
}
