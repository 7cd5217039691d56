//! Table `usage_days`.

use async_trait::async_trait;
use runmill_proto::Tenant;

use super::{
    PgStore,
    session::Transaction,
    values::{arrays, parameters, record, text},
};
use crate::{
    StoreError, UsageKey, UsageReader, UsageSum,
    columns::{
        Dialect, Stored as _,
        sql::{Sql, insert_arrays},
    },
    tables::{NewUsage, usage_grows},
};

/// Number of rows of each key, over which writers are spread.
pub const SHARDS: u32 = 16;

static ADD: Sql =
    Sql::new(|| insert_arrays::<UsageSum>("usage_days.add", "usage_days", &usage_grows(Dialect::Postgres)));

const PAGE: &str = "\
SELECT /* usage_days.page */ day, tenant, token_id, provider_id, model,
    least(sum(calls), 9223372036854775807)::bigint,
    least(sum(prompt_tokens), 9223372036854775807)::bigint,
    least(sum(completion_tokens), 9223372036854775807)::bigint,
    least(sum(cost_nanousd), 9223372036854775807)::bigint,
    least(sum(unpriced), 9223372036854775807)::bigint
FROM usage_days
WHERE day BETWEEN $1 AND $2
  AND ($3::text IS NULL OR tenant = $3)
  AND ($4::text IS NULL OR (day, tenant COLLATE \"C\", token_id, provider_id, model COLLATE \"C\")
      > ($4, $5::text, $6::uuid, $7::uuid, $8::text)) /* after */
GROUP BY day, tenant, token_id, provider_id, model
ORDER BY day, tenant COLLATE \"C\", token_id, provider_id, model COLLATE \"C\"
LIMIT $9";

const FORGET: &str = "\
DELETE /* usage_days.forget */ FROM usage_days
WHERE day = (
    SELECT min(day)
    FROM usage_days
    WHERE day < $1
)";

/// Adds to the sums of their days. `sums` is in the order in which all writers lock the rows.
pub async fn add(tx: &Transaction<'_>, sums: &[NewUsage]) -> Result<(), StoreError> {
    if sums.is_empty() {
        return Ok(());
    }
    let columns = arrays::<UsageSum, _>(sums);
    let statement = tx.prepare_cached(&ADD).await?;
    tx.execute(&statement, &parameters(&columns)).await?;
    Ok(())
}

/// Deletes the sums of the earliest day before `day`.
pub async fn forget(store: &PgStore, day: &str) -> Result<u64, StoreError> {
    let client = store.client().await?;
    let statement = client.prepare_cached(FORGET).await?;
    Ok(client.execute(&statement, &[&day]).await?)
}

#[async_trait]
impl UsageReader for PgStore {
    async fn usage(
        &self,
        tenant: Option<&Tenant>,
        (from, to): (&str, &str),
        after: Option<&UsageKey>,
        limit: u32,
    ) -> Result<Vec<UsageSum>, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(PAGE).await?;
        let tenant = tenant.map(Tenant::as_str);
        let day = after.map(|key| text(&key.day));
        let after_tenant = after.map(|key| key.tenant.as_str());
        let token = after.map(|key| key.token_id.to_value());
        let provider = after.map(|key| key.provider_id.uuid());
        let model = after.map(|key| text(&key.model));
        let limit = i64::from(limit);
        let rows = client
            .query(&statement, &[&from, &to, &tenant, &day, &after_tenant, &token, &provider, &model, &limit])
            .await?;
        rows.iter().map(record).collect()
    }
}
