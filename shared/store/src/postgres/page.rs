//! Pages of the tables whose rows belong to tenants.

use runmill_proto::Tenant;
use uuid::Uuid;

use super::{PgStore, values::record};
use crate::{
    StoreError,
    columns::{Columns, sql::Sql},
};

impl PgStore {
    /// Reads at most `limit` records beside `from`. Of the two statements, the first reads those of all tenants, and the
    /// second those of one, so that each has an index.
    pub(super) async fn page<T: Columns>(
        &self,
        (of_all, of_tenant): (&'static Sql, &'static Sql),
        tenant: Option<&Tenant>,
        from: Uuid,
        limit: u32,
    ) -> Result<Vec<T>, StoreError> {
        let limit = i64::from(limit);
        let client = self.client().await?;
        let rows = match tenant.map(Tenant::as_str) {
            None => client.query(&client.prepare_cached(of_all).await?, &[&from, &limit]).await?,
            Some(tenant) => {
                client.query(&client.prepare_cached(of_tenant).await?, &[&from, &limit, &tenant]).await?
            }
        };
        rows.iter().map(record).collect()
    }
}
