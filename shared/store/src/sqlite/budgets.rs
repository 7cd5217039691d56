//! Table `budgets`.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::Timestamp;
use runmill_proto::RunId;
use rusqlite::{Transaction, params};

use super::{
    SqliteStore,
    values::{Cell as _, execute, first, int, time},
};
use crate::{BudgetReader, Budgets, Slice, StoreError, Taken};

const TAKEN: &str = "\
-- budgets.taken
SELECT taken
FROM budgets
WHERE key = ?1";

const WRITE: &str = "\
-- budgets.write
INSERT INTO budgets (key, taken, updated_at)
VALUES (?1, ?2, ?3)
ON CONFLICT (key) DO UPDATE
SET taken = excluded.taken,
    updated_at = excluded.updated_at";

// The keys of a run begin with its id and a slash, behind which the character 0 comes next.
const FORGET_RUN: &str = "\
-- budgets.forget_run
DELETE FROM budgets
WHERE key >= ?1 || '/'
  AND key < ?1 || '0'";

const FORGET: &str = "\
-- budgets.forget
DELETE FROM budgets
WHERE updated_at < ?1
  AND substr(key, 1, 4) <> 'tok_'";

#[async_trait]
impl Budgets for SqliteStore {
    async fn take(&self, slices: &[Slice], now: Timestamp) -> Result<Vec<Taken>, StoreError> {
        let slices = slices.to_vec();
        self.write(move |tx| slices.iter().map(|slice| take(tx, slice, now)).collect()).await
    }

    async fn forget_budgets(&self, before: Timestamp) -> Result<(), StoreError> {
        self.write(move |tx| {
            execute(tx, FORGET, [time(before)])?;
            Ok(())
        })
        .await
    }
}

#[async_trait]
impl BudgetReader for SqliteStore {
    async fn taken(&self, keys: &[String]) -> Result<BTreeMap<String, u64>, StoreError> {
        let keys = keys.to_vec();
        self.read(move |db| {
            let mut taken = BTreeMap::new();
            for key in keys {
                if let Some(amount) = first(db, TAKEN, [&key], |row| row.cell("taken"))? {
                    taken.insert(key, amount);
                }
            }
            Ok(taken)
        })
        .await
    }
}

/// Deletes the budgets of a run.
pub fn forget_run(tx: &Transaction<'_>, id: RunId) -> Result<(), StoreError> {
    execute(tx, FORGET_RUN, [id.to_string()])?;
    Ok(())
}

fn take(tx: &Transaction<'_>, slice: &Slice, now: Timestamp) -> Result<Taken, StoreError> {
    let known: Option<u64> = first(tx, TAKEN, [&slice.key], |row| row.cell("taken"))?;
    let spent = known.unwrap_or(slice.used_before).saturating_add_signed(slice.spent);
    let granted = slice.wanted.min(slice.limit.saturating_sub(spent));
    let taken = spent.saturating_add(granted);
    execute(tx, WRITE, params![slice.key, int(taken), time(now)])?;
    Ok(Taken { granted, taken })
}
