//! Table `budgets`.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::Timestamp;
use runmill_proto::RunId;
use tokio_postgres::Row;

use super::{
    PgStore,
    session::{Session, Transaction},
    values::Cell as _,
};
use crate::{BudgetReader, Budgets, Slice, StoreError, Taken};

// The rows are locked in the order of their keys, so that two executors never wait for each other. A row that another
// executor has just changed is read anew once its lock is there.
const TAKE: &str = "\
WITH /* budgets.take */ locked AS (
    SELECT budgets.key,
        greatest(budgets.taken + slice.spent, 0) AS spent,
        slice.max_taken,
        slice.wanted
    FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[]) AS slice (key, max_taken, spent, wanted)
    JOIN budgets ON budgets.key = slice.key
    ORDER BY budgets.key
    FOR UPDATE OF budgets
), granted AS (
    SELECT key, spent, greatest(least(wanted, max_taken - spent), 0) AS amount
    FROM locked
)
UPDATE budgets
SET taken = granted.spent + granted.amount,
    updated_at = $5
FROM granted
WHERE budgets.key = granted.key
RETURNING budgets.key, budgets.taken, granted.amount AS granted";

const OPEN: &str = "\
INSERT /* budgets.open */ INTO budgets (key, taken, updated_at)
SELECT key, used_before, $3
FROM unnest($1::text[], $2::bigint[]) AS slice (key, used_before)
ORDER BY key
ON CONFLICT (key) DO NOTHING";

const FORGET: &str = "\
DELETE /* budgets.forget */ FROM budgets
WHERE updated_at < $1
  AND substr(key, 1, 4) <> 'tok_'";

// The keys of a run begin with its id and a slash, behind which the character 0 comes next.
const FORGET_RUN: &str = "\
DELETE /* budgets.forget_run */ FROM budgets
WHERE key COLLATE \"C\" >= $1 || '/'
  AND key COLLATE \"C\" < $1 || '0'";

const TAKEN: &str = "\
SELECT /* budgets.taken */ key, taken
FROM budgets
WHERE key = ANY($1)";

#[async_trait]
impl Budgets for PgStore {
    async fn take(&self, slices: &[Slice], now: Timestamp) -> Result<Vec<Taken>, StoreError> {
        let client = self.client().await?;
        let mut taken = take(&client, slices, now).await?;
        let unknown: Vec<_> =
            slices.iter().filter(|slice| !taken.contains_key(&slice.key)).cloned().collect();
        if !unknown.is_empty() {
            open(&client, &unknown, now).await?;
            taken.extend(take(&client, &unknown, now).await?);
        }
        Ok(slices.iter().map(|slice| taken.get(&slice.key).copied().unwrap_or_default()).collect())
    }

    async fn forget_budgets(&self, before: Timestamp) -> Result<(), StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(FORGET).await?;
        client.execute(&statement, &[&before]).await?;
        Ok(())
    }
}

#[async_trait]
impl BudgetReader for PgStore {
    async fn taken(&self, keys: &[String]) -> Result<BTreeMap<String, u64>, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(TAKEN).await?;
        let rows = client.query(&statement, &[&keys]).await?;
        rows.iter().map(|row| Ok((row.cell("key")?, row.cell("taken")?))).collect()
    }
}

/// Deletes the budgets of a run.
pub async fn forget_run(tx: &Transaction<'_>, id: RunId) -> Result<(), StoreError> {
    let statement = tx.prepare_cached(FORGET_RUN).await?;
    tx.execute(&statement, &[&id.to_string()]).await?;
    Ok(())
}

/// Takes slices of the budgets that exist.
async fn take(
    client: &Session,
    slices: &[Slice],
    now: Timestamp,
) -> Result<BTreeMap<String, Taken>, StoreError> {
    let keys: Vec<_> = slices.iter().map(|slice| slice.key.as_str()).collect();
    let limits: Vec<_> = slices.iter().map(|slice| bigint(slice.limit)).collect();
    let spent: Vec<_> = slices.iter().map(|slice| slice.spent).collect();
    let wanted: Vec<_> = slices.iter().map(|slice| bigint(slice.wanted)).collect();
    let statement = client.prepare_cached(TAKE).await?;
    let rows = client.query(&statement, &[&keys, &limits, &spent, &wanted, &now]).await?;
    rows.iter().map(answer).collect()
}

async fn open(client: &Session, slices: &[Slice], now: Timestamp) -> Result<(), StoreError> {
    let keys: Vec<_> = slices.iter().map(|slice| slice.key.as_str()).collect();
    let used: Vec<_> = slices.iter().map(|slice| bigint(slice.used_before)).collect();
    let statement = client.prepare_cached(OPEN).await?;
    client.execute(&statement, &[&keys, &used, &now]).await?;
    Ok(())
}

fn answer(row: &Row) -> Result<(String, Taken), StoreError> {
    Ok((row.cell("key")?, Taken { granted: row.cell("granted")?, taken: row.cell("taken")? }))
}

fn bigint(amount: u64) -> i64 {
    i64::try_from(amount).unwrap_or(i64::MAX)
}
