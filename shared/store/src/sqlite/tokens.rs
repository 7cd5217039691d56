//! Table `tokens`.

use async_trait::async_trait;
use jiff::Timestamp;
use runmill_proto::{Tenant, TokenId, api::Budget};
use rusqlite::{Connection, params, params_from_iter};
use uuid::Uuid;

use super::{
    SqliteStore,
    error::is_taken,
    values::{blob, execute, first, record, time},
};
use crate::{
    StoreError, TokenBudget, TokenRow, Tokens,
    columns::{
        ColumnList, Dialect, Stored as _, inserted,
        sql::{self, Sql},
    },
};

static INSERT: Sql = Sql::new(|| sql::insert::<TokenRow>(Dialect::Sqlite, "tokens.insert", "tokens", ""));

static GET: Sql = Sql::new(|| sql::select::<TokenRow>("tokens.get", "tokens", "WHERE id = ?1"));

static BUDGET: Sql = Sql::new(|| {
    let rest = "WHERE id = ?1\n  AND budget IS NOT NULL";
    sql::select::<TokenBudget>("tokens.budget", "tokens", rest)
});

static BY_PREFIX: Sql =
    Sql::new(|| sql::select::<TokenRow>("tokens.by_prefix", "tokens", "WHERE prefix = ?1"));

static PAGE: Sql = Sql::new(|| {
    sql::select::<TokenRow>(
        "tokens.page",
        "tokens",
        "WHERE id > ?1\n  AND run_id IS NULL\nORDER BY id\nLIMIT ?2",
    )
});

static PAGE_OF_TENANT: Sql = Sql::new(|| {
    let rest = "WHERE tenant = ?3\n  AND run_id IS NULL\n  AND id > ?1\nORDER BY id\nLIMIT ?2";
    sql::select::<TokenRow>("tokens.page_of_tenant", "tokens", rest)
});

static REVOKE: Sql = Sql::new(|| {
    format!(
        "\
-- tokens.revoke
UPDATE tokens
SET revoked_at = coalesce(revoked_at, ?2)
WHERE id = ?1
RETURNING {}",
        ColumnList::of::<TokenRow>().select("tokens"),
    )
});

static SET_BUDGET: Sql = Sql::new(|| {
    format!(
        "\
-- tokens.set_budget
UPDATE tokens
SET budget = ?2
WHERE id = ?1
RETURNING {}",
        ColumnList::of::<TokenRow>().select("tokens"),
    )
});

const FORGET: &str = "\
-- tokens.forget_of_ended
DELETE FROM tokens
WHERE run_id IS NOT NULL
  AND (
      SELECT runs.finished_at
      FROM runs
      WHERE runs.id = tokens.run_id
  ) IS NOT NULL";

const USED: &str = "\
-- tokens.used
UPDATE tokens
SET last_used_at = ?2
WHERE id = ?1";

pub fn budget(db: &Connection, id: TokenId) -> Result<Option<TokenBudget>, StoreError> {
    first(db, &BUDGET, [blob(id.uuid())], record)
}

#[async_trait]
impl Tokens for SqliteStore {
    async fn create_token(&self, row: &TokenRow) -> Result<(), StoreError> {
        let row = row.clone();
        self.write(move |tx| {
            let inserted = execute(tx, &INSERT, params_from_iter(inserted::<TokenRow>(&row)));
            inserted.map(drop).map_err(|error| {
                if is_taken(&error, "tokens.prefix") {
                    return StoreError::Conflict("there is such a token already".to_owned());
                }
                error.into()
            })
        })
        .await
    }

    async fn token(&self, id: TokenId) -> Result<TokenRow, StoreError> {
        let found = self.read(move |db| first(db, &GET, [blob(id.uuid())], record)).await?;
        found.ok_or_else(|| StoreError::not_found("token", id))
    }

    async fn token_by_prefix(&self, prefix: &str) -> Result<Option<TokenRow>, StoreError> {
        let prefix = prefix.to_owned();
        self.read(move |db| first(db, &BY_PREFIX, [prefix], record)).await
    }

    async fn tokens(
        &self,
        tenant: Option<&Tenant>,
        after: Option<TokenId>,
        limit: u32,
    ) -> Result<Vec<TokenRow>, StoreError> {
        let after = after.map_or(Uuid::nil(), TokenId::uuid);
        self.page((&PAGE, &PAGE_OF_TENANT), tenant, after, limit).await
    }

    async fn revoke_token(&self, id: TokenId, now: Timestamp) -> Result<TokenRow, StoreError> {
        let revoked =
            self.write(move |tx| first(tx, &REVOKE, params![blob(id.uuid()), time(now)], record)).await?;
        revoked.ok_or_else(|| StoreError::not_found("token", id))
    }

    async fn set_token_budget(&self, id: TokenId, budget: Option<Budget>) -> Result<TokenRow, StoreError> {
        let changed =
            self.write(move |tx| first(tx, &SET_BUDGET, params![blob(id.uuid()), budget.to_value()], record));
        changed.await?.ok_or_else(|| StoreError::not_found("token", id))
    }

    async fn token_used(&self, id: TokenId, now: Timestamp) -> Result<(), StoreError> {
        self.write(move |tx| {
            execute(tx, USED, params![blob(id.uuid()), time(now)])?;
            Ok(())
        })
        .await
    }
}

/// Inserts the token of a run.
pub fn insert(db: &Connection, row: &TokenRow) -> Result<(), StoreError> {
    execute(db, &INSERT, params_from_iter(inserted::<TokenRow>(row)))?;
    Ok(())
}

/// Deletes the tokens of runs that have ended.
pub fn forget_of_ended(db: &Connection) -> Result<(), StoreError> {
    execute(db, FORGET, [])?;
    Ok(())
}
