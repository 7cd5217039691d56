//! Table `usage_days`.

use async_trait::async_trait;
use runmill_proto::Tenant;
use rusqlite::{Connection, params, params_from_iter};

use super::{
    SqliteStore,
    values::{all, blob, execute, record},
};
use crate::{
    StoreError, UsageKey, UsageReader, UsageSum,
    columns::{
        Dialect, Stored as _, inserted,
        sql::{self, Sql},
    },
    tables::{NewUsage, usage_grows},
};

static ADD: Sql = Sql::new(|| {
    let rest = usage_grows(Dialect::Sqlite);
    sql::insert::<UsageSum>(Dialect::Sqlite, "usage_days.add", "usage_days", &rest)
});

const PAGE: &str = "\
-- usage_days.page
SELECT day, tenant, token_id, provider_id, model, calls, prompt_tokens, completion_tokens, cost_nanousd, unpriced
FROM usage_days
WHERE day BETWEEN ?1 AND ?2
  AND (?3 IS NULL OR tenant = ?3)
  AND (?4 IS NULL OR (day, tenant, token_id, provider_id, model) > (?4, ?5, ?6, ?7, ?8)) /* after */
ORDER BY day, tenant, token_id, provider_id, model
LIMIT ?9";

const FORGET: &str = "\
-- usage_days.forget
DELETE FROM usage_days
WHERE day = (
    SELECT min(day)
    FROM usage_days
    WHERE day < ?1
)";

pub fn add(db: &Connection, sums: &[NewUsage]) -> Result<(), StoreError> {
    for sum in sums {
        execute(db, &ADD, params_from_iter(inserted::<UsageSum>(sum)))?;
    }
    Ok(())
}

/// Deletes the sums of the earliest day before `day`.
pub fn forget(db: &Connection, day: &str) -> Result<u64, StoreError> {
    Ok(execute(db, FORGET, [day])?)
}

#[async_trait]
impl UsageReader for SqliteStore {
    async fn usage(
        &self,
        tenant: Option<&Tenant>,
        (from, to): (&str, &str),
        after: Option<&UsageKey>,
        limit: u32,
    ) -> Result<Vec<UsageSum>, StoreError> {
        let (from, to, tenant) = (from.to_owned(), to.to_owned(), tenant.map(Tenant::to_string));
        let after = after.cloned();
        self.read(move |db| {
            let after = after.as_ref();
            let values = params![
                from,
                to,
                tenant,
                after.map(|key| key.day.as_str()),
                after.map(|key| key.tenant.as_str()),
                after.map(|key| key.token_id.to_value()),
                after.map(|key| blob(key.provider_id.uuid())),
                after.map(|key| key.model.as_str()),
                limit,
            ];
            all(db, PAGE, values, record)
        })
        .await
    }
}
