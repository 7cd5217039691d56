//! Table `audit_log`.

use async_trait::async_trait;
use runmill_proto::{AuditId, Tenant, api::AuditEntry};
use uuid::Uuid;

use super::{PgStore, values::parameters};
use crate::{
    AuditLog, StoreError,
    columns::{
        Dialect, inserted,
        sql::{self, Sql},
    },
};

static INSERT: Sql =
    Sql::new(|| sql::insert::<AuditEntry>(Dialect::Postgres, "audit_log.insert", "audit_log", ""));

const DELETE: &str = "\
DELETE /* audit_log.delete */ FROM audit_log
WHERE id < $1";

static PAGE: Sql = Sql::new(|| {
    let rest = "WHERE id < $1 /* before */\nORDER BY id DESC\nLIMIT $2";
    sql::select::<AuditEntry>("audit_log.page", "audit_log", rest)
});

static PAGE_OF_TENANT: Sql = Sql::new(|| {
    let rest = "WHERE tenant = $3\n  AND id < $1 /* before */\nORDER BY id DESC\nLIMIT $2";
    sql::select::<AuditEntry>("audit_log.page_of_tenant", "audit_log", rest)
});

#[async_trait]
impl AuditLog for PgStore {
    async fn append_audit(&self, entry: &AuditEntry, keep_from: AuditId) -> Result<(), StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(&INSERT).await?;
        client.execute(&statement, &parameters(&inserted::<AuditEntry>(entry))).await?;
        let statement = client.prepare_cached(DELETE).await?;
        client.execute(&statement, &[&keep_from.uuid()]).await?;
        Ok(())
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
