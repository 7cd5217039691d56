//! Pages of the tables whose rows belong to tenants.

use runmill_proto::Tenant;
use rusqlite::params;
use uuid::Uuid;

use super::{
    SqliteStore,
    values::{all, blob, record},
};
use crate::{
    StoreError,
    columns::{Columns, sql::Sql},
};

impl SqliteStore {
    /// Reads at most `limit` records beside `from`. Of the two statements, the first reads those of all tenants, and the
    /// second those of one, so that each has an index.
    pub(super) async fn page<T: Columns + Send + 'static>(
        &self,
        (of_all, of_tenant): (&'static Sql, &'static Sql),
        tenant: Option<&Tenant>,
        from: Uuid,
        limit: u32,
    ) -> Result<Vec<T>, StoreError> {
        let tenant = tenant.map(ToString::to_string);
        self.read(move |db| match tenant {
            None => all(db, of_all, params![blob(from), limit], record),
            Some(tenant) => all(db, of_tenant, params![blob(from), limit, tenant], record),
        })
        .await
    }
}
