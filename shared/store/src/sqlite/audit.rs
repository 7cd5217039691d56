//! Table `audit_log`.

use async_trait::async_trait;
use runmill_proto::{AuditId, Tenant, api::AuditEntry};
use rusqlite::params_from_iter;
use uuid::Uuid;

use super::{
    SqliteStore,
    values::{blob, execute},
};
use crate::{
    AuditLog, StoreError,
    columns::{
        Dialect, inserted,
        sql::{self, Sql},
    },
};

static INSERT: Sql =
    Sql::new(|| sql::insert::<AuditEntry>(Dialect::Sqlite, "audit_log.insert", "audit_log", ""));

const DELETE: &str = "\
-- audit_log.delete
DELETE FROM audit_log
WHERE id < ?1";

static PAGE: Sql = Sql::new(|| {
    let rest = "WHERE id < ?1 /* before */\nORDER BY id DESC\nLIMIT ?2";
    sql::select::<AuditEntry>("audit_log.page", "audit_log", rest)
});

static PAGE_OF_TENANT: Sql = Sql::new(|| {
    let rest = "WHERE tenant = ?3\n  AND id < ?1 /* before */\nORDER BY id DESC\nLIMIT ?2";
    sql::select::<AuditEntry>("audit_log.page_of_tenant", "audit_log", rest)
});

#[async_trait]
impl AuditLog for SqliteStore {
    async fn append_audit(&self, entry: &AuditEntry, keep_from: AuditId) -> Result<(), StoreError> {
        let entry = entry.clone();
        self.write(move |tx| {
            execute(tx, &INSERT, params_from_iter(inserted::<AuditEntry>(&entry)))?;
            execute(tx, DELETE, [blob(keep_from.uuid())])?;
            Ok(())
        })
        .await
    }

    async fn audit(
        &self,
        tenant: Option<&Tenant>,
        before: Option<AuditId>,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        let before = before.map_or(Uuid::max(), AuditId::uuid);
        self.page((&PAGE, &PAGE_OF_TENANT), tenant, before, limit).await
    }
}
